"""Reshapes with constant shapes, and none that change nothing, so that equal networks have equal graphs everywhere."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import ModelProto, TensorShapeProto


def fix_shapes(model: "ModelProto") -> None:
    """Give each reshape its shape as a constant, drop those that keep a shape, and the nodes that nothing uses then.

    TensorFlow's optimiser and tf2onnx mostly do so, but not in every process: tf2onnx goes through sets of objects,
    whose order is that of their addresses.
    """
    import onnx

    graph = model.graph
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    values = (*inferred.input, *inferred.value_info, *inferred.output)
    shapes = {value.name: list(value.type.tensor_type.shape.dim) for value in values}
    constants = {value.name for value in graph.initializer}
    reshapes = [node for node in graph.node if node.op_type == "Reshape"]
    for node in reshapes:
        shape = shapes[node.output[0]]
        if node.input[1] not in constants and shape[0].dim_param == "n" and (sizes := _sizes(shape)):
            node.input[1] = f"{node.output[0]}/shape"
            graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1, *sizes]), node.input[1]))
    outputs = {value.name for value in graph.output}
    same = {
        node.output[0]: node.input[0]
        for node in reshapes
        if node.output[0] not in outputs
        # the batch's size is the same where all others are, for so is their product
        and (sizes := _sizes(shapes.get(node.input[0], [])))
        and sizes == _sizes(shapes.get(node.output[0], []))
    }
    needed = {graph.output[0].name}
    for node in graph.node:
        for k, name in enumerate(node.input):
            while name in same:
                name = same[name]
            node.input[k] = name
    for node in reversed(graph.node):  # which are in topological order
        if needed.intersection(node.output):
            needed.update(node.input)
        else:
            graph.node.remove(node)


def _sizes(shape: "Sequence[TensorShapeProto.Dimension]") -> list[int]:
    """The sizes behind the first, which is the batch's; none where not all are known."""
    sizes = [int(size.dim_value) for size in shape[1:]]
    return sizes if all(sizes) else []
