import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fakefaces.models import runtime


def test_the_seed_and_the_threads_are_set_and_what_keras_does_not_need_is_imported_later():
    code = (
        "import sys; from fakefaces.models import runtime; runtime.start(seed=7, threads=1); "
        "assert not {'matplotlib', 'sklearn'} & set(sys.modules); import matplotlib.figure, sklearn; "
        "import tensorflow as tf, keras; "
        "threading = tf.config.threading; print(threading.get_intra_op_parallelism_threads(), "
        "threading.get_inter_op_parallelism_threads(), float(keras.random.uniform(())))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert runs[0].startswith("1 1 ")


class Archive:
    """A network whose archive is written here, with the entries that Keras writes."""

    def __init__(self, date: str, objects: tuple[int, ...], order: tuple[str, ...], weights: bytes = b"w") -> None:
        config = {"layers": [{"shared_object_id": number, "name": f"l{k}"} for k, number in enumerate(objects)]}
        self.year, self.order = 2020 + len(date), order
        self.entries = {
            "metadata.json": json.dumps({"date_saved": date, "keras_version": "3"}).encode(),
            "config.json": json.dumps(config).encode(),
            "model.weights.h5": weights,
        }

    def save(self, path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in self.order:
                archive.writestr(zipfile.ZipInfo(name, (self.year, 1, 1, 0, 0, 0)), self.entries[name])


def test_equal_networks_give_equal_bytes_and_others_do_not(tmp_path):
    def saved(*arguments) -> bytes:
        runtime.save_network(Archive(*arguments), tmp_path / "a.keras")
        return (tmp_path / "a.keras").read_bytes()

    names = ("metadata.json", "config.json", "model.weights.h5")
    first = saved("now", (77, 99, 77), names)
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        layers = json.loads(archive.read("config.json"))["layers"]
        assert [layer["shared_object_id"] for layer in layers] == [1, 2, 1]
        assert json.loads(archive.read("metadata.json")) == {"keras_version": "3"}
    assert saved("later", (5, 6, 5), names[::-1]) == first
    assert saved("now", (5, 6, 6), names) != first  # other layers share weights
    assert saved("now", (77, 99, 77), names, b"v") != first


def test_operators_are_deterministic_or_refuse():
    runtime.start(seed=1, threads=2)
    import tensorflow as tf

    with pytest.raises(RuntimeError, match="determinism"):
        tf.random.Generator.from_non_deterministic_state()


def test_the_seed_of_the_start_decides_all_random_numbers():
    import keras

    def random_numbers(seed: int) -> list[float]:
        runtime.start(seed=seed, threads=2)
        dense = keras.layers.Dense(1)
        dense.build((None, 1))
        return [float(keras.random.uniform(())), float(dense.kernel[0, 0]), float(np.random.random())]

    assert random_numbers(3) == random_numbers(3)
    assert all(a != b for a, b in zip(random_numbers(3), random_numbers(4), strict=True))


def test_operations_are_made_deterministic(monkeypatch):
    import tensorflow as tf

    calls = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: calls.append(True))
    runtime.start(seed=1, threads=2)
    assert calls == [True]


def test_the_backend_is_the_one_asked_for_or_that_of_the_environment():
    code = (
        "import sys; from fakefaces.models import runtime; "
        "runtime.start(seed=7, threads=1, backend=sys.argv[1] or None); import keras; print(keras.backend.backend())"
    )

    def started(backend: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", code, backend]
        # no environment of ours has this backend
        return subprocess.run(command, env=os.environ | {"KERAS_BACKEND": "mxnet"}, capture_output=True, text=True)

    assert started("tensorflow").stdout.strip() == "tensorflow"
    refused = started("")
    assert "ModelError: Keras' backend mxnet cannot be used" in refused.stderr and refused.returncode
