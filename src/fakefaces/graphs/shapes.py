"""Shapes of reshapes as constants, so that equal networks have equal graphs in every process."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto


def fix_shapes(model: "ModelProto") -> None:
    """Give each reshape its shape as a constant, and drop the nodes that computed it.

    TensorFlow's optimiser mostly does so while the network is traced, but not in every process.
    """
    import onnx

    graph = model.graph
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {value.name: value.type.tensor_type.shape.dim for value in (*inferred.value_info, *inferred.output)}
    constants = {value.name for value in graph.initializer}
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[1] not in constants:
            batch, *sizes = shapes[node.output[0]]
            if batch.dim_param == "n" and all(size.dim_value for size in sizes):
                shape = np.array([-1, *(size.dim_value for size in sizes)])
                node.input[1] = f"{node.output[0]}/shape"
                graph.initializer.append(onnx.numpy_helper.from_array(shape, node.input[1]))
    needed = {graph.output[0].name}
    for node in reversed(graph.node):  # which are in topological order
        if needed.intersection(node.output):
            needed.update(node.input)
        else:
            graph.node.remove(node)
