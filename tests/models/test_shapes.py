"""Reshapes in graphs, which converters write in one process and leave out in another."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fakefaces.graphs.normalise import normalise
from fakefaces.graphs.shapes import fix_shapes


def graph(*reshapes: list[int]) -> onnx.ModelProto:
    """A convolution of (n, 3, 4, 4) to (n, 2, 1, 1), reshaped, and its logistic function."""
    weights = np.linspace(-1, 1, 2 * 3 * 4 * 4, dtype=np.float32).reshape(2, 3, 4, 4)
    constants = [numpy_helper.from_array(weights, "weights")]
    nodes, last = [helper.make_node("Conv", ["pixels", "weights"], ["convolved"])], "convolved"
    for k, shape in enumerate(reshapes):
        constants.append(numpy_helper.from_array(np.array(shape), f"shape{k}"))
        nodes.append(helper.make_node("Reshape", [last, f"shape{k}"], [f"reshaped{k}"]))
        last = f"reshaped{k}"
    nodes.append(helper.make_node("Sigmoid", [last], ["p"]))
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *sizes])
        for name, sizes in (("pixels", (3, 4, 4)), ("p", reshapes[-1][1:] if reshapes else (2, 1, 1)))
    ]
    made = helper.make_graph(nodes, "made", values[:1], values[1:], constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def fixed(model: onnx.ModelProto) -> tuple[bytes, list[str]]:
    fix_shapes(model)
    normalise(model)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True), [node.op_type for node in model.graph.node]


def test_reshapes_that_keep_a_shape_are_dropped_and_the_bytes_are_those_without():
    without = fixed(graph())
    assert without[1] == ["Conv", "Sigmoid"]
    assert fixed(graph([-1, 2, 1, 1])) == fixed(graph([-1, 2, 1, 1], [0, 2, 1, 1])) == without


def test_reshapes_that_change_a_shape_stay():
    assert fixed(graph([-1, 2]))[1] == ["Conv", "Reshape", "Sigmoid"]
    assert fixed(graph([-1, 1, 2, 1]))[1] == ["Conv", "Reshape", "Sigmoid"]
    assert fixed(graph([-1, 2], [-1, 2, 1, 1]))[1] == ["Conv", "Reshape", "Reshape", "Sigmoid"]
