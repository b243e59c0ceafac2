"""Small inference graphs and the folders of their detectors, made without TensorFlow."""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from fakefaces.base.files import write_json
from fakefaces.features.extract import extract
from fakefaces.features.spec import FeatureSpec
from fakefaces.inference.detector import GRAPH, METADATA
from fakefaces.inference.metadata import DetectorMetadata

RESIDUALS = FeatureSpec("residuals", 256, crop=32)


def mean_graph(outputs: int = 5, size: int = 32) -> bytes:
    """A graph whose p_fake is the mean of an image's pixels, 0 to 1; its parts have one to four tenths of that."""
    shares = np.array([[1, 0.1, 0.2, 0.3, 0.4][:outputs]], np.float32) / 255
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("MatMul", ["column", "shares"], ["probabilities"]),
    ]
    constants = {"axes": np.array([1, 2, 3]), "last": np.array([1]), "shares": shares}
    return _bytes(nodes, {"pixels": (size, size, 3)}, outputs, constants)


def residual_graph(seed: int = 0) -> bytes:
    """A graph of random weights from :data:`RESIDUALS` and a crop with its boxes to probabilities (5,)."""
    rng = np.random.default_rng(seed)
    shape = extract(FeatureSpec("residuals", RESIDUALS.image_size), np.zeros((64, 64, 3), np.uint8)).shape
    constants = {
        "filters": rng.normal(0, 0.02, (4, 3, 5, 5)),
        "of_crop": rng.normal(0, 0.02, (4, 5)),
        "of_boxes": rng.normal(0, 0.02, (4 * shape[0], 5)),
        "of_traces": rng.normal(0, 0.03, (shape[0] * shape[1], 5)),
    }
    nodes = [
        helper.make_node("Transpose", ["crop"], ["channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["channels_first", "filters"], ["maps"]),
        helper.make_node("Relu", ["maps"], ["rectified"]),
        helper.make_node("GlobalAveragePool", ["rectified"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["row"]),
        helper.make_node("MatMul", ["row", "of_crop"], ["left"]),
        helper.make_node("Flatten", ["traces"], ["flat"]),
        helper.make_node("MatMul", ["flat", "of_traces"], ["right"]),
        helper.make_node("Flatten", ["boxes"], ["places"]),
        helper.make_node("MatMul", ["places", "of_boxes"], ["middle"]),
        helper.make_node("Sum", ["left", "middle", "right"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probabilities"]),
    ]
    crop = (RESIDUALS.crop, RESIDUALS.crop, 3)
    return _bytes(nodes, {"traces": shape, "crop": crop, "boxes": (shape[0], 4)}, 5, constants)


def write_detector(folder: Path, graph: bytes | None = None, **metadata: Any) -> Path:
    """The folder of a detector, of :func:`mean_graph` if no other is given."""
    defaults = {"model": "m", "kind": "custom_cnn", "image_size": 32, "weights": "random", "threshold": 0.5}
    folder.mkdir(parents=True)
    (folder / GRAPH).write_bytes(graph or mean_graph())
    write_json(folder / METADATA, DetectorMetadata(**{"parameters": 9, **defaults, **metadata}).model_dump())
    return folder


def write_residual_detector(folder: Path, seed: int = 0) -> Path:
    """The folder of a detector with :func:`residual_graph`, which needs all that inference knows."""
    spec = {"extractor": RESIDUALS.extractor, "image_size": RESIDUALS.image_size, "crop": RESIDUALS.crop}
    return write_detector(folder, residual_graph(seed), kind="forensic", **spec)


def _bytes(nodes: list[Any], inputs: dict[str, tuple[int, ...]], outputs: int, constants: dict[str, Any]) -> bytes:
    floats = {name: value if value.dtype == np.int64 else value.astype(np.float32) for name, value in constants.items()}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, *shape]) for name, shape in inputs.items()],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, outputs])],
        [numpy_helper.from_array(value, name) for name, value in floats.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model)
    return bytes(model.SerializeToString())
