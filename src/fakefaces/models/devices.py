"""The devices that Keras' backend trains on.

``python -m fakefaces.models.devices`` prints them as JSON, from a process of its own: a backend takes seconds to start,
and memory that it does not give back.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from fakefaces.base.errors import ModelError
from fakefaces.models import runtime

# Device files of accelerators: of NVIDIA's driver, of Windows' subsystem for Linux, and of AMD's driver.
_DEVICE_FILES = ("nvidia[0-9]*", "dxg", "kfd")
_BFLOAT16_CARDS, _FLOAT16_CARDS = 8.0, 7.0  # compute capabilities, of NVIDIA's documentation, with units for them
_BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")


Card = tuple[str, tuple[int, int]]  # name and compute capability, (0, 0) if unknown


class Devices(NamedTuple):
    """What a network is trained on."""

    backend: str  # of Keras
    accelerators: tuple[str, ...]  # names; none where the processor trains
    precisions: tuple[str, ...]  # values of ``precision`` that have units of their own there, float32 first


def has_accelerator_file(folder: Path = Path("/dev")) -> bool:
    """Whether the system has an accelerator's driver, whatever the backend can make of it."""
    return any(any(folder.glob(pattern)) for pattern in _DEVICE_FILES)


def devices() -> Devices:
    """The devices of the backend that ``KERAS_BACKEND`` names, TensorFlow by default.

    The backend itself is asked only where there may be more than a processor.

    Raises:
        ModelError: the backend does not start.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend == "tensorflow" and not has_accelerator_file():
        return Devices(backend, (), _of_processor())
    process = subprocess.run(
        [sys.executable, "-m", "fakefaces.models.devices"], capture_output=True, text=True, check=False
    )
    try:
        backend, accelerators, precisions = json.loads(process.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        reason = process.stderr.strip().splitlines()[-1:] or [f"exit status {process.returncode}"]
        raise ModelError(f"Keras' backend {backend} does not start: {reason[0][:300]}") from None
    return Devices(backend, tuple(accelerators), tuple(precisions))


def _of_processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, ...]:
    try:
        flags = cpuinfo.read_text().split()
    except OSError:
        flags = []
    return ("float32", *(["mixed_bfloat16"] if any(flag in flags for flag in _BFLOAT16_FLAGS) else []))


def _of_cards(capabilities: list[float]) -> tuple[str, ...]:
    """What all cards have units for; one of an unknown capability counts as having none."""
    least = min(capabilities)
    bfloat16 = ["mixed_bfloat16"] if least >= _BFLOAT16_CARDS else []
    return ("float32", *bfloat16, *(["mixed_float16"] if least >= _FLOAT16_CARDS else []))


def _started() -> Devices:
    """The devices of the backend, which is started."""
    runtime.start(seed=0, threads=1)
    import keras

    backend = keras.backend.backend()
    cards = _CARDS[backend]() if backend in _CARDS else []
    capabilities = [float(f"{major}.{minor}") for _, (major, minor) in cards]
    return Devices(backend, tuple(name for name, _ in cards), _of_cards(capabilities) if cards else _of_processor())


def _tensorflow_cards() -> list[Card]:
    from tensorflow import config

    details = [config.experimental.get_device_details(card) for card in config.list_physical_devices("GPU")]
    return [(detail.get("device_name", "GPU"), detail.get("compute_capability", (0, 0))) for detail in details]


def _jax_cards() -> list[Card]:
    import jax

    cards = [device for device in jax.devices() if device.platform != "cpu"]
    capabilities = [str(getattr(card, "compute_capability", "0.0")).split(".") for card in cards]
    return [
        (card.device_kind, (int(major), int(minor))) for card, (major, minor) in zip(cards, capabilities, strict=True)
    ]


def _torch_cards() -> list[Card]:
    from torch import cuda

    return [(cuda.get_device_name(k), cuda.get_device_capability(k)) for k in range(cuda.device_count())]


_CARDS = {"tensorflow": _tensorflow_cards, "jax": _jax_cards, "torch": _torch_cards}  # by Keras' backend

if __name__ == "__main__":
    print(json.dumps(_started()))
