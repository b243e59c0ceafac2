"""Export of a Keras network as an inference graph: ONNX, with equal bytes for equal networks.

``python -m fakefaces.models.export NETWORK.keras GRAPH.onnx INPUTS.npy`` exports one that was saved, in a process of
its own. The graph of a network of another Keras backend is exported so, too.
"""

import gc
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.base.files import atomic_write
from fakefaces.base.leftovers import temporary_folder
from fakefaces.base.stage import error_boundary
from fakefaces.data.batches import predict_in_batches
from fakefaces.graphs.graph import Graph
from fakefaces.graphs.normalise import normalise
from fakefaces.graphs.shapes import fix_shapes
from fakefaces.models import runtime

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = 2e-4  # by which an output of the graph may differ from the network's
_OPSET = 18  # the newest that tf2onnx writes


def export(network: Any) -> bytes:
    """The inference graph of a Keras model: an output from inputs that keep their names, float32, of any batch size."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return _export_in_process(network)
    model = _convert(runtime.with_float32_policy(network))
    dimensions = model.graph.output[0].type.tensor_type.shape.dim  # the trace may not know them
    for dimension, size in zip(dimensions[1:], network.output_shape[1:], strict=True):
        dimension.dim_value = size
    fix_shapes(model)
    normalise(model)
    return bytes(model.SerializeToString(deterministic=True))


def join(frozen: bytes, head: bytes, name: str) -> bytes:
    """Join the graph of a frozen backbone to that of a head, as the head's input ``name``."""
    import onnx

    first, second = onnx.load_from_string(frozen), onnx.load_from_string(head)
    first = onnx.compose.add_prefix(first, "frozen_", rename_inputs=False)
    joined = onnx.compose.merge_models(first, second, io_map=[(first.graph.output[0].name, name)])
    fix_shapes(joined)
    normalise(joined)
    return bytes(joined.SerializeToString(deterministic=True))


def check(graph: bytes, network: Any, inputs: NDArray[Any]) -> float:
    """The greatest difference of a graph's outputs from its network's on real inputs (n, ...).

    Raises:
        ModelError: it exceeds :data:`TOLERANCE`.
    """
    expected = predict_in_batches(network.predict_on_batch, inputs)
    run = Graph(graph, network.name)
    difference = float(np.abs(np.stack([run(row) for row in inputs]) - expected).max())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"{network.name}: the outputs of its inference graph differ from the network's by {difference:.1e}, "
            f"more than {TOLERANCE:.0e}; a layer of it is converted wrongly: take another layer or tell tf2onnx"
        )
    return difference


def _convert(network: Any) -> "ModelProto":
    """Trace the network and convert the trace; constants that the trace captured become constants of the graph."""
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own use of numpy and protobuf
        import tf2onnx
        from onnx import numpy_helper

        names = [tensor.name for tensor in network.inputs]
        signature = [
            tf.TensorSpec((None, *tensor.shape[1:]), tf.float32, name=name)
            for name, tensor in zip(names, network.inputs, strict=True)
        ]

        def call(*inputs: Any) -> Any:
            return network(dict(zip(names, inputs, strict=True)) if len(names) > 1 else inputs[0], training=False)

        traced = tf.function(call, input_signature=signature)
        trace = traced.get_concrete_function()
        captured = trace.captured_inputs
        constants = {
            placeholder.name: value
            for placeholder, value in zip(trace.inputs[len(trace.inputs) - len(captured) :], captured, strict=True)
            if placeholder.dtype != tf.resource  # a variable, which tf2onnx freezes itself
        }
        with _prompt_collection():
            model, _ = tf2onnx.convert.from_function(traced, input_signature=signature, opset=_OPSET)
        for value in [value for value in model.graph.input if value.name in constants]:
            model.graph.initializer.append(numpy_helper.from_array(constants[value.name].numpy(), value.name))
            model.graph.input.remove(value)
    return cast("ModelProto", model)


@contextmanager
def _prompt_collection() -> Iterator[None]:
    """Collect garbage as soon as there is some that this block has made.

    Each of tf2onnx's optimizers copies the whole graph with its weights, in a few thousand objects that refer to each
    other. Beside TensorFlow's million objects that is too little for Python to look for garbage: ten copies and more
    pile up, 2 GB for 18 million weights. Objects from before the block are set aside, which makes looking cheap.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.collect()  # of nothing: so few objects are alive now
    gc.set_threshold(500, 1, 1)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _export_in_process(network: Any) -> bytes:
    """Export a network of another Keras backend, in a process that runs TensorFlow's."""
    with temporary_folder() as temporary:
        saved, graph = temporary / "network.keras", temporary / "network.onnx"
        runtime.save_network(network, saved)
        export_file(saved, graph)
        return graph.read_bytes()


def export_file(network: Path, graph: Path, inputs: Path | None = None) -> None:
    """Export a saved network in a process of its own, and check it on an array of real inputs in a ``.npy`` file."""
    command = [
        sys.executable,
        "-m",
        "fakefaces.models.export",
        str(network),
        str(graph),
        *([str(inputs)] if inputs else []),
    ]
    if subprocess.run(command, env=os.environ | {"KERAS_BACKEND": "tensorflow"}, check=False).returncode:
        raise ModelError(f"{network}: its inference graph could not be exported; see the lines above")


def main(network: str, graph: str, inputs: str | None = None) -> None:
    """Export a saved network, and check it on real inputs."""
    runtime.start(seed=0, threads=2)
    loaded = runtime.load_network(Path(network))
    exported = export(loaded)
    if inputs:
        check(exported, loaded, np.load(inputs, allow_pickle=False))
    with atomic_write(Path(graph)) as aside:
        aside.write_bytes(exported)


if __name__ == "__main__":
    sys.exit(error_boundary(main, *sys.argv[1:]))
