"""Equal bytes for equal graphs: tf2onnx counts its names on from one conversion to the next, and orders by them."""

from typing import TYPE_CHECKING

from fakefaces.base.errors import ModelError

if TYPE_CHECKING:
    from onnx import ModelProto


def normalise(model: "ModelProto") -> None:
    """Name and order what is inside of a graph by first use, and drop what is not used; its one output is ``outputs``.

    Raises:
        ModelError: the graph has graphs within.
    """
    graph = model.graph
    graph.output[0].name, output = "outputs", graph.output[0].name
    names = {output: "outputs"} | {value.name: value.name for value in graph.input}

    def renamed(name: str) -> str:
        return names.setdefault(name, f"t{len(names)}") if name else name

    for k, node in enumerate(graph.node):
        node.input[:] = [renamed(name) for name in node.input]
        node.output[:] = [renamed(name) for name in node.output]
        node.name, node.doc_string = f"n{k}", ""
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise ModelError(f"{graph.name}: its graph has branches or loops ({node.op_type}), which are not exported")
    used = [value for value in graph.initializer if value.name in names]
    for value in used:
        value.name = names[value.name]
    used.sort(key=lambda value: int(value.name.removeprefix("t")))
    del graph.initializer[:], graph.value_info[:], model.metadata_props[:]
    graph.initializer.extend(used)
    graph.name, graph.doc_string = "network", ""
