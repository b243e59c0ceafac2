"""Inference graphs: their outputs, their bytes, and what is refused."""

import gc
import json
import subprocess
import sys
import weakref

import numpy as np
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.graphs.graph import Graph, load_graph
from fakefaces.models import export, runtime
from fakefaces.models.backbones import cut, make_backbone
from fakefaces.models.kinds import model_spec


@pytest.fixture(autouse=True)
def tensorflow():
    runtime.start(seed=1, threads=2)


@pytest.fixture
def network():
    return model_spec("custom_cnn", {}, "here").build((32, 32, 3))


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


def test_a_graph_has_the_outputs_of_its_network_for_one_image_and_for_many(network, pixels):
    graph = Graph(export.export(network))
    expected = network.predict_on_batch(pixels.astype(np.float32))
    together = graph.map(pixels, threads=2)
    assert together == pytest.approx(expected, abs=1e-6)
    assert together.shape == (5, 1)
    for image, outputs in zip(pixels, together, strict=True):
        assert np.array_equal(graph(image), outputs)  # to the last bit, by any number of threads
    assert graph.map(pixels[:0], threads=2).shape == (0, 1)


def test_two_exports_of_a_network_have_equal_bytes(network, pixels, tmp_path):
    first = export.export(network)
    assert export.export(network) == first
    runtime.save_network(network, tmp_path / "network.keras")
    assert export.export(runtime.load_network(tmp_path / "network.keras")) == first
    np.save(tmp_path / "inputs.npy", pixels)
    # another process, with other hashes, and on its way another network
    export.export_file(tmp_path / "network.keras", tmp_path / "network.onnx", tmp_path / "inputs.npy")
    assert (tmp_path / "network.onnx").read_bytes() == first


def test_the_copies_that_the_conversion_leaves_behind_do_not_pile_up(network, monkeypatch):
    import tf2onnx

    class Copy:
        def __init__(self):
            self.nodes = [[self] for _ in range(2000)]

    before, alive, most = gc.get_threshold(), weakref.WeakSet(), []
    convert = tf2onnx.convert.from_function

    def from_function(*args, **options):
        for _ in range(20):
            alive.add(Copy())
            most.append(len(alive))
        return convert(*args, **options)

    monkeypatch.setattr(tf2onnx.convert, "from_function", from_function)
    export.export(network)
    assert max(most) <= 4
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def reshaped(*, computed: bool) -> bytes:
    """A graph that flattens images (n, 2, 3, 4), to a shape that it computes or holds."""
    from onnx import TensorProto, helper, numpy_helper

    constants = {"zero": [0], "one": [1], "size": [24], "held": [-1, 24]}
    nodes = [helper.make_node("Reshape", ["images", "shape" if computed else "held"], ["flat"])]
    if computed:
        nodes = [
            helper.make_node("Shape", ["images"], ["sizes"]),
            helper.make_node("Slice", ["sizes", "zero", "one", "zero"], ["batch"]),
            helper.make_node("Concat", ["batch", "size"], ["shape"], axis=0),
            *nodes,
        ]
    graph = helper.make_graph(
        nodes,
        "flatten",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 2, 3, 4])],
        [helper.make_tensor_value_info("flat", TensorProto.FLOAT, [None, 24])],
        [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8).SerializeToString()


def test_a_shape_is_a_constant_whether_tensorflow_has_computed_it_or_not():
    import keras

    head = export.export(keras.Sequential([keras.Input((24,), name="flat"), keras.layers.Dense(1)]))
    joined = export.join(reshaped(computed=True), head, "flat")
    assert joined == export.join(reshaped(computed=False), head, "flat")
    images = np.random.default_rng(0).normal(size=(3, 2, 3, 4)).astype(np.float32)
    assert np.array_equal(Graph(joined).map(images, threads=1), Graph(head).map(images.reshape(3, 24), threads=1))


def test_constants_that_a_network_holds_beside_its_weights_are_exported(tmp_path):
    import keras

    values = np.random.default_rng(1).normal(3, 2, (50, 7, 40)).astype(np.float32)
    normalization = keras.layers.Normalization(axis=(1, 2))
    normalization.adapt(values)
    inputs = keras.Input((7, 40), name="traces")
    network = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(normalization(inputs))))
    graph = Graph(export.export(network))
    assert graph.map(values, threads=1) == pytest.approx(network.predict_on_batch(values), abs=1e-5)
    runtime.save_network(network, tmp_path / "network.keras")
    assert export.export(runtime.load_network(tmp_path / "network.keras")) == export.export(network)


def test_a_network_of_several_inputs_keeps_their_names():
    import keras

    traces, crop = keras.Input((3,), name="traces"), keras.Input((2, 2, 3), name="crop")
    total = keras.layers.Concatenate()([keras.layers.Flatten()(crop), traces])
    network = keras.Model({"traces": traces, "crop": crop}, keras.layers.Dense(5)(total))
    record = np.zeros(4, [("traces", np.float32, (3,)), ("crop", np.uint8, (2, 2, 3))])
    rng = np.random.default_rng(0)
    record["traces"], record["crop"] = rng.normal(size=(4, 3)), rng.integers(0, 9, (4, 2, 2, 3))
    expected = network.predict_on_batch({name: record[name].astype(np.float32) for name in ("traces", "crop")})
    graph = export.export(network)
    assert Graph(graph).map(record, threads=2) == pytest.approx(expected, abs=1e-5)
    assert export.check(graph, network, record) < 1e-5


def test_a_frozen_backbone_and_a_head_are_joined_to_the_graph_of_both(tmp_path):
    import keras

    made = make_backbone("MobileNetV2", size=32, weights="none", allow_random=False, seed=1, root=tmp_path)
    frozen, _ = cut(made.network, None)
    head = keras.Sequential([keras.Input(frozen.output_shape[1:], name="frozen"), keras.layers.Dense(1, "sigmoid")])
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    first, second = export.export(frozen), export.export(head)
    joined = export.join(first, second, "frozen")
    assert export.join(first, second, "frozen") == joined
    # the backbone's part computes what the head was trained on, bit by bit
    features = Graph(first).map(pixels, threads=1)
    assert np.array_equal(Graph(joined).map(pixels, threads=1), Graph(second).map(features, threads=1))
    assert Graph(joined).map(pixels, threads=1) == pytest.approx(
        np.asarray(head.predict_on_batch(frozen.predict_on_batch(pixels.astype(np.float32)))), abs=1e-5
    )


def test_a_network_trained_in_mixed_precision_is_exported_in_float32(pixels):
    import keras

    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        mixed = model_spec("custom_cnn", {}, "here").build((32, 32, 3))
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    single = model_spec("custom_cnn", {}, "here").build((32, 32, 3))
    single.set_weights(mixed.get_weights())
    expected = single.predict_on_batch(pixels.astype(np.float32))
    assert Graph(export.export(mixed)).map(pixels, threads=1) == pytest.approx(expected, abs=1e-6)
    assert runtime.with_float32_policy(single) is single


def test_a_graph_that_differs_from_its_network_is_refused(network, pixels):
    graph = export.export(network)
    assert export.check(graph, network, pixels) < 1e-6
    weights = network.get_weights()
    network.set_weights([*weights[:-1], weights[-1] + 0.01])  # the last bias
    with pytest.raises(ModelError, match="differ from the network's by"):
        export.check(graph, network, pixels)
    network.set_weights([*weights[:-1], weights[-1] * np.nan])
    with pytest.raises(ModelError, match="differ from the network's by"):
        export.check(graph, network, pixels)


def test_what_is_no_graph_is_refused(tmp_path):
    (tmp_path / "network.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match=r"network.onnx: not an inference graph"):
        load_graph(tmp_path / "network.onnx")
    with pytest.raises(ModelError, match=r"none.onnx: cannot be read"):
        load_graph(tmp_path / "none.onnx")


@pytest.mark.slow
def test_scoring_imports_neither_keras_nor_tensorflow(loaded, photographs):
    image = next(photographs.rglob("*.jpg"))
    code = f"""
        import json, sys
        from pathlib import Path
        from fakefaces.inference.detector import load
        from fakefaces.inference.predict import score_files
        (score,) = score_files(load(Path({str(loaded.folder)!r})), [Path({str(image)!r})], threads=1)
        heavy = ["keras", "tensorflow", "mlflow", "sklearn", "scipy", "pandas", "matplotlib", "onnx"]
        print(json.dumps([score.p_fake, [name for name in heavy if name in sys.modules]]))
    """
    lines = "\n".join(line.strip() for line in code.splitlines())
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    p_fake, imported = json.loads(done.stdout)
    assert imported == []
    assert p_fake == loaded.score(str(image), image.read_bytes).p_fake
