"""TensorFlow, started once a process: without its banner, seeded, and the same to the last bit each time."""

import gc
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fakefaces.base.errors import ModelError
from fakefaces.base.files import atomic_write

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can hold


def start(seed: int, threads: int) -> None:
    """Import TensorFlow and settle its randomness; call it before anything that uses Keras.

    Args:
        seed: of weights, dropout and shuffles.
        threads: of TensorFlow's operators; sums are split among them, so the number is part of the result.
    """
    with _without_banner(), _hidden("matplotlib", "sklearn"):
        import keras
        import tensorflow as tf
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        pass  # it runs already in this process, with the threads that it has
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel("ERROR")
    keras.utils.set_random_seed(seed)


def save_network(network: Any, path: Path) -> None:
    """Save a Keras model as a ``.keras`` file; equal models give equal bytes."""
    with atomic_write(path) as aside:
        named = aside.with_suffix(".keras")  # Keras insists on the ending
        try:
            network.save(named)
            _normalise(named)
            named.replace(aside)
        finally:
            named.unlink(missing_ok=True)


def _normalise(archive: Path) -> None:
    """Rewrite a ``.keras`` archive so that equal networks give equal bytes.

    Keras writes the date into every entry's header and into ``metadata.json``, and addresses of Python objects into
    ``config.json`` (``shared_object_id``), which are numbered here in order of appearance.
    """
    with atomic_write(archive) as aside, zipfile.ZipFile(archive) as old, zipfile.ZipFile(aside, "w") as new:
        for name in sorted(old.namelist()):
            data = old.read(name)
            if name == "metadata.json":
                metadata = json.loads(data)
                metadata.pop("date_saved", None)
                data = json.dumps(metadata, sort_keys=True).encode()
            elif name == "config.json":
                data = json.dumps(_renumbered(json.loads(data), {})).encode()
            new.writestr(zipfile.ZipInfo(name, date_time=_EPOCH), data)


def _renumbered(value: Any, numbers: dict[int, int]) -> Any:
    """``value`` with every ``shared_object_id`` counted from 1 in order of appearance."""
    if isinstance(value, dict):
        return {
            key: numbers.setdefault(item, len(numbers) + 1) if key == "shared_object_id" else _renumbered(item, numbers)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_renumbered(item, numbers) for item in value]
    return value


def load_network(path: Path) -> Any:
    """Load a ``.keras`` file, not compiled.

    Raises:
        ModelError: the file is missing, broken, or carries code.
    """
    import keras

    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: not a network that can be loaded ({reason})") from None


def forget() -> None:
    """Let go of what networks that are used no more left behind in Keras: over models and folds it is gigabytes."""
    import keras

    keras.utils.clear_session()
    gc.collect()


@contextmanager
def _hidden(*packages: str) -> Iterator[None]:
    """Let an import go without packages that it could do without, unless they are imported already.

    Keras takes scikit-learn and matplotlib in for wrappers and plots that nobody asks for here; without them the
    import of TensorFlow and Keras takes three quarters of the time (benchmarks/startup.py).
    """
    unknown = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(unknown))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in unknown:
            del sys.modules[name]


@contextmanager
def _without_banner() -> Iterator[None]:
    """Hold back what the C++ side prints before any log level counts; show it if the import fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
