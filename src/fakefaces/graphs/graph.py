"""Inference graphs of networks and of frozen backbones: ONNX, run by ONNX Runtime, one image at a time."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.base.files import read_regular
from fakefaces.base.names import printable
from fakefaces.graphs.weights import unsound

MAX_BYTES = 2**31 - 1  # of an ONNX file, by protobuf's own limit
REPLACE = "train it again (dvc repro), fetch it again, or roll back to another version: fakefaces promote --rollback"


class Graph:
    """A network that decides; several threads may call it at once.

    An image is scored alone and by one thread, since a sum's last digits may depend on the other images of a batch: so
    an image's score depends on the image only. Several images are scored side by side, by threads of the caller. A
    batch would not be faster either (benchmarks/scoring.py).
    """

    inputs: Mapping[str, tuple[int | str | None, ...]]  # by name the shape of each image's features

    def __init__(self, source: bytes | Path, name: str = "network.onnx"):
        """Read a graph in the format of ONNX, which an error calls ``name``; a ModelError if it is none.

        ONNX Runtime keeps bytes that it is given, which are as much memory again as the weights, but not a file's.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3  # errors, which are raised as well
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has an exception for each of its states and no common one
            raise ModelError(f"{name}: not an inference graph ({' '.join(str(error).split())[:200]})") from None
        self._name = self._session.get_inputs()[0].name
        self._shape = tuple(self._session.get_outputs()[0].shape[1:])
        self.inputs = {tensor.name: tuple(tensor.shape[1:]) for tensor in self._session.get_inputs()}

    def __call__(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """The outputs for the features of one image, as :func:`fakefaces.features.extract.extract` returns them."""
        names = features.dtype.names
        values: Mapping[str, Any] = {name: features[name] for name in names} if names else {self._name: features}
        (outputs,) = self._session.run(None, {name: _batch_of_one(value) for name, value in values.items()})
        return np.asarray(outputs[0], dtype=np.float32)

    def map(
        self, features: NDArray[Any], *, threads: int, step: Callable[[int, str], None] = lambda done, note: None
    ) -> NDArray[np.float32]:
        """The outputs (n, ...) for the features (n, ...) of several images, ``threads`` of them at a time.

        ``step`` is called after each image with 1 and an empty note.
        """
        outputs = np.empty((len(features), *self._shape), dtype=np.float32)
        with ThreadPoolExecutor(threads) as pool:
            for row, output in zip(outputs, pool.map(self, features), strict=True):
                row[:] = output
                step(1, "")
        return outputs


def load_graph(path: Path) -> Graph:
    """Read a graph from a file; a ModelError if it is none, or one of its weights is no finite number."""
    try:
        data = read_regular(path, MAX_BYTES)
        fault = "too many bytes" if len(data) > MAX_BYTES else unsound(data)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise ModelError(f"{path}: not an inference graph ({error})") from None
    if fault:
        raise ModelError(f"{path}: an inference graph with {fault}; {REPLACE}")
    if printable(path) != str(path):  # not in UTF-8, and ONNX Runtime finds no such file
        return Graph(data, str(path))
    del data
    return Graph(path, str(path))


def _batch_of_one(value: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(value, dtype=np.float32)[None]
