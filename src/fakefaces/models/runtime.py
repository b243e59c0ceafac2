"""The start of Keras' backend and the files of networks: seeded, deterministic, and equal networks in equal bytes."""

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

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.base.files import atomic_write

# Read by the backends at their start. An accelerator multiplies float32 numbers as such, not with the ten bits of
# TensorFloat-32, so that an exported graph differs from its network by rounding only; `precision` says otherwise.
_ENVIRONMENT = {
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # JAX takes three quarters of the device's memory otherwise
    "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    "XLA_FLAGS": "--xla_gpu_deterministic_ops=true",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it PyTorch's products of matrices are not deterministic
}
# Keras imports them for what nobody here calls, its wrappers for scikit-learn and its galleries, and does without where
# they are missing; they take a quarter of the processor time of its start (docs/scaling.md).
_NOT_FOR_KERAS = "matplotlib", "sklearn"
_BATCH = 256  # images that are predicted at a time
_READ = 1 << 26  # bytes of features that are read at a time, in whole batches
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can hold


def start(seed: int, threads: int, *, backend: str | None = None) -> None:
    """Import Keras and its backend, make them deterministic and seed them, before anything else uses Keras.

    The memory of an accelerator is taken as it is needed, not at once.

    Args:
        seed: of weights and dropout.
        threads: of TensorFlow's or PyTorch's operators; the last digits of sums depend on their number.
        backend: the only one that will do; by default it is TensorFlow, or what the environment variable
            ``KERAS_BACKEND`` or Keras' own settings name.

    Raises:
        ModelError: the backend is not installed.
    """
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        with _without_banner(), _hidden(*_NOT_FOR_KERAS):
            import keras
    except (ImportError, ValueError) as error:
        wanted = f"Keras' backend {os.environ.get('KERAS_BACKEND', 'tensorflow')}"
        raise ModelError(f"{wanted} cannot be used ({error}); install it, or unset KERAS_BACKEND") from None
    if keras.backend.backend() == "tensorflow":
        _start_tensorflow(threads)
    elif keras.backend.backend() == "torch":
        _start_torch(threads)
    keras.utils.set_random_seed(seed)


def _start_tensorflow(threads: int) -> None:
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        for accelerator in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(accelerator, True)
        tf.config.experimental.enable_tensor_float_32_execution(False)
    except RuntimeError:
        pass  # TensorFlow runs already in this process, as it was started first
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel("ERROR")


def _start_torch(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = False
    torch.use_deterministic_algorithms(True)


def clear_session() -> None:
    """Free Keras' global state, between one network and the next: over models and folds it grows to gigabytes.

    Keras' counters start anew, too, which name layers and operations in saved networks.
    """
    import keras

    keras.utils.clear_session()
    gc.collect()


def predicted(network: Any, features: Any) -> NDArray[np.float32]:
    """A Keras model's outputs for features (n, ...), an array or its rows in a file, of which few are read at a time.

    They are those of ``network.predict`` on all: batches have the same images.
    """
    n, of_one = len(features), max(1, int(np.prod(features.shape[1:]))) * features.dtype.itemsize
    step = max(1, _READ // of_one // _BATCH) * _BATCH
    batches = (features[start : start + step] for start in range(0, n, step))
    return np.concatenate([np.asarray(network.predict(rows, batch_size=_BATCH, verbose=0)) for rows in batches])


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
    """Load a ``.keras`` file, not compiled; a ModelError if it is missing, broken, or contains code."""
    import keras

    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # of Keras, of ZIP and of HDF5
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: not a network that can be loaded ({reason})") from None


def with_float32_policy(network: Any) -> Any:
    """The same network, computing in float32: itself if it does so, else a copy, as after mixed precision."""
    if all(layer.dtype_policy.name == "float32" for layer in _layers(network)):
        return network
    return _copy(network, _with_policy(json.loads(network.to_json()), "float32"))


def with_precision(network: Any, precision: str) -> Any:
    """The same network, computing in a precision: itself for ``float32``, else a copy in mixed precision.

    Its last layer stays in float32: a probability of eight bits would have few values to rank images by.
    """
    if precision == "float32":
        return network
    config = json.loads(network.to_json())
    mixed = _with_policy(config, precision)
    mixed["config"]["layers"][-1] = config["config"]["layers"][-1]
    return _copy(network, mixed)


def _copy(network: Any, config: Any) -> Any:
    """A network of another configuration with the weights of this one, and the states of its dropouts' generators."""
    import keras

    copy = keras.models.model_from_json(json.dumps(config))
    for variable, value in zip(copy.variables, network.variables, strict=True):
        variable.assign(keras.ops.convert_to_numpy(value))  # not an array that both would hold: JAX's steps free it
    return copy


def _layers(network: Any) -> Iterator[Any]:
    """The layers of a network and of the networks in it."""
    for layer in network.layers:
        yield layer
        yield from _layers(layer) if hasattr(layer, "layers") else ()


def _with_policy(config: Any, name: str) -> Any:
    """A network's configuration with the policy of every layer replaced."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return config | {"config": {"name": name}}
        return {key: _with_policy(value, name) for key, value in config.items()}
    return [_with_policy(value, name) for value in config] if isinstance(config, list) else config


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Let packages that nothing has imported yet count as missing: https://docs.python.org/3/reference/import.html."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _without_banner() -> Iterator[None]:
    """Capture what the C++ side prints before any log level counts; print it if the import fails."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        except BaseException:
            captured.seek(0)
            os.write(stderr, captured.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
