"""Small inference graphs and detectors, made without TensorFlow."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from fakefaces.base.files import write_json
from fakefaces.inference.detector import GRAPH, METADATA
from fakefaces.inference.metadata import DetectorMetadata

METADATA_OF_MEAN = DetectorMetadata(
    model="m", kind="custom_cnn", image_size=32, weights="random", threshold=0.5, parameters=9
)


def mean_graph(outputs: int = 5, size: int = 32) -> bytes:
    """A graph whose p_fake is the mean of an image's pixels, 0 to 1; its parts have one to four tenths of that."""
    shares = np.array([[1, 0.1, 0.2, 0.3, 0.4][:outputs]], np.float32) / 255
    constants = {"axes": np.array([1, 2, 3]), "last": np.array([1]), "shares": shares}
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("MatMul", ["column", "shares"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [None, size, size, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, outputs])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model)
    return bytes(model.SerializeToString())


def write_mean_detector(folder: Path, metadata: DetectorMetadata = METADATA_OF_MEAN) -> Path:
    """The folder of a detector with :func:`mean_graph`."""
    folder.mkdir(parents=True)
    (folder / GRAPH).write_bytes(mean_graph())
    write_json(folder / METADATA, metadata.model_dump())
    return folder
