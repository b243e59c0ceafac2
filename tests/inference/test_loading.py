"""A detector is examined when it is loaded, before it scores anything."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from fakefaces.base.errors import ModelError
from fakefaces.graphs.weights import unsound
from fakefaces.inference.detector import GRAPH, METADATA, load
from tests.graphs import mean_graph, residual_graph, write_detector, write_residual_detector


def edited(folder: Path, **values: object) -> Path:
    path = folder / METADATA
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return folder


def with_weights(graph: bytes, change) -> bytes:
    """A graph with the first value of each tensor of several numbers changed."""
    model = onnx.load_from_string(graph)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor).copy()
        if values.dtype == np.float32 and values.size > 1:
            values.flat[0] = change(values.flat[0])
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return bytes(model.SerializeToString())


def test_sound_detectors_load(tmp_path):
    assert load(write_detector(tmp_path / "a")).metadata.image_size == 32
    assert load(write_residual_detector(tmp_path / "b")).metadata.crop == 32
    assert unsound(mean_graph()) == unsound(residual_graph()) == ""


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("write", [mean_graph, residual_graph])
def test_weights_that_are_not_finite_are_refused(tmp_path, value, write):
    graph = with_weights(write(), lambda _: value)
    folder = write_detector(tmp_path / "a") if write is mean_graph else write_residual_detector(tmp_path / "a")
    (folder / GRAPH).write_bytes(graph)
    with pytest.raises(ModelError, match=r"a/network.onnx: .*not finite numbers; train it again"):
        load(folder)


def test_weights_of_half_precision_in_nodes_and_in_lists_are_read(tmp_path):
    model = onnx.load_from_string(mean_graph())
    for values in (np.float16([1, np.nan]), np.float64([np.nan])):
        model.graph.initializer.append(numpy_helper.from_array(values, "more"))
        assert "not finite" in unsound(model.SerializeToString())
        model.graph.initializer.pop()
    listed = onnx.helper.make_tensor("listed", onnx.TensorProto.FLOAT, [2], [1.0, float("nan")])
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["constant"], value=listed))
    assert "not finite" in unsound(model.SerializeToString())
    listed.float_data[1] = 2
    model.graph.node[-1].attribute[0].t.CopyFrom(listed)
    assert unsound(model.SerializeToString()) == ""


def looped() -> onnx.NodeProto:
    """A loop that ends after all integers."""
    kinds = {"step": onnx.TensorProto.INT64, "go": onnx.TensorProto.BOOL}
    inputs = [onnx.helper.make_tensor_value_info(name, kind, []) for name, kind in kinds.items()]
    output = onnx.helper.make_tensor_value_info("on", onnx.TensorProto.BOOL, [])
    body = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["go"], ["on"])], "body", inputs, [output])
    return onnx.helper.make_node("Loop", ["", "always"], [], body=body)


@pytest.mark.parametrize(
    "node",
    [
        looped(),
        onnx.helper.make_node("RandomUniformLike", ["mean"], ["noise"]),
        onnx.helper.make_node("Bernoulli", ["mean"], ["noise"]),
        onnx.helper.make_node("Dropout", ["mean", "share", "always"], ["noise"]),
    ],
    ids=lambda node: node.op_type,
)
@pytest.mark.parametrize("within", ["graph", "function"])
def test_operators_that_never_end_or_draw_at_random_are_refused(tmp_path, node, within):
    model = onnx.load_from_string(mean_graph())
    if within == "graph":
        model.graph.node.append(node)
    else:
        opset = onnx.helper.make_opsetid("", 18)
        model.functions.append(onnx.helper.make_function("own", "f", ["mean"], ["noise"], [node], [opset]))
    folder = write_detector(tmp_path / "a", model.SerializeToString())
    with pytest.raises(ModelError, match=rf"loops, branches or draws random numbers \({node.op_type}\)"):
        load(folder)


def test_weights_in_another_file_are_refused(tmp_path):
    model = onnx.load_from_string(mean_graph())
    onnx.external_data_helper.set_external_data(model.graph.initializer[-1], "/etc/passwd")
    folder = write_detector(tmp_path / "a")
    (folder / GRAPH).write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="weights in another file"):
        load(folder)


@pytest.mark.parametrize("cut", [0, 1, 20, 0.5, 0.99])
def test_a_cut_graph_is_refused(tmp_path, cut):
    folder, graph = write_residual_detector(tmp_path / "a"), residual_graph()
    (folder / GRAPH).write_bytes(graph[: int(cut * len(graph)) if isinstance(cut, float) else cut])
    with pytest.raises(ModelError, match=r"a/?.*(graph|outputs)"):
        load(folder)


def test_scores_that_are_no_probabilities_are_refused(tmp_path):
    folder = write_detector(tmp_path / "a", with_weights(mean_graph(), lambda share: -100 * share))
    with pytest.raises(ModelError, match="no probabilities: -50"):
        load(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": 99}, "'format': .*less than or equal to 2"),
        ({"format": 0}, "'format'"),
        ({"image_size": 0}, "'image_size'"),
        ({"image_size": 10**9}, "'image_size'"),
        ({"image_size": 48}, r"takes features of the shapes \[\(32, 32, 3\)\], .*describe \[\(48, 48, 3\)\]"),
        ({"extractor": "residuals"}, "features of the shapes"),
        ({"threshold": float("nan")}, "'threshold'"),
        ({"threshold": -1}, "'threshold'"),
        ({"min_side": 0}, "'min_side'"),
        ({"weights": None}, "'weights'"),
        ({"more": 1}, "unknown key 'more'"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(tmp_path, values, message):
    with pytest.raises(ModelError, match=message):
        load(edited(write_detector(tmp_path / "a"), **values))


@pytest.mark.parametrize(
    "text", [b"[" * 10**5, b'{"a":' * 10**5, b"{", b"\xff", b"[]", b"null", b" " * (2**20 + 1)], ids=range(7)
)
def test_metadata_that_are_no_metadata_are_refused(tmp_path, text):
    folder = write_detector(tmp_path / "a")
    (folder / METADATA).write_bytes(text)
    with pytest.raises(ModelError, match="a: not a detector"):
        load(folder)


@pytest.mark.parametrize("name", [METADATA, GRAPH])
def test_a_pipe_or_a_device_in_the_folder_is_no_file(tmp_path, name):
    folder = write_detector(tmp_path / "a")
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")
    with pytest.raises(ModelError, match="not a regular file"):
        load(folder)


def test_the_package_onnx_is_not_needed(tmp_path):
    folder = write_residual_detector(tmp_path / "a")
    code = f"""
import sys
from pathlib import Path
from fakefaces.inference.detector import load
load(Path({str(folder)!r}))
assert not {{"onnx", "tensorflow", "keras", "mlflow"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    shutil.rmtree(folder)
