"""What a network is trained on, without a device: the answers are those of drivers and files that are made here."""

import json
import os
import subprocess
import sys

import pytest

from fakefaces.base.errors import ModelError
from fakefaces.models import devices


@pytest.fixture
def no_accelerator(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "has_accelerator_file", lambda: False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)


def answering(monkeypatch, stdout: str, stderr: str = ""):
    asked = []

    def run(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0 if stdout else 1, stdout, stderr)

    monkeypatch.setattr(devices.subprocess, "run", run)
    return asked


def test_without_an_accelerator_the_processor_trains_and_no_backend_is_started(monkeypatch, no_accelerator):
    asked = answering(monkeypatch, "")
    backend, accelerators, precisions = devices.devices()
    assert (backend, accelerators, precisions[0], asked) == ("tensorflow", (), "float32", [])


@pytest.mark.parametrize("name", ["nvidia0", "dxg", "kfd"])
def test_a_driver_is_known_by_its_file(tmp_path, name):
    (tmp_path / "nvidiactl").touch()
    assert not devices.has_accelerator_file(tmp_path)
    (tmp_path / name).touch()
    assert devices.has_accelerator_file(tmp_path)


def test_a_processor_has_bfloat16_by_its_flags(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : fma avx512f avx512_bf16 gfni\n")
    assert devices._of_processor(cpuinfo) == ("float32", "mixed_bfloat16")
    cpuinfo.write_text("flags : fma avx512f\n")
    assert devices._of_processor(cpuinfo) == ("float32",)
    assert devices._of_processor(tmp_path / "none") == ("float32",)


def test_precisions_are_those_that_all_cards_have():
    assert devices._of_cards([9.0, 8.6]) == ("float32", "mixed_bfloat16", "mixed_float16")
    assert devices._of_cards([9.0, 7.5]) == ("float32", "mixed_float16")
    assert devices._of_cards([6.1]) == devices._of_cards([0.0]) == ("float32",)


def test_a_backend_is_asked_in_a_process_of_its_own_and_its_failure_is_a_sentence(monkeypatch, no_accelerator):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    asked = answering(monkeypatch, 'a warning\n["jax", ["gpu:0"], ["float32"]]\n')
    assert devices.devices() == ("jax", ("gpu:0",), ("float32",))
    assert asked == [[sys.executable, "-m", "fakefaces.models.devices"]]
    answering(monkeypatch, "", "Traceback\nModelError: Keras' backend jax cannot be used (no module); install it\n")
    with pytest.raises(ModelError, match="backend jax does not start: ModelError: .* install it"):
        devices.devices()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_the_backend_says_what_it_has(backend):
    pytest.importorskip(backend)
    command = [sys.executable, "-m", "fakefaces.models.devices"]
    environ = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer[0] == backend and answer[2][0] == "float32"
