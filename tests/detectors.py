"""Detectors for tests: of Keras networks whose graphs are exported, and of functions."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fakefaces.explain import explained_detector
from fakefaces.explain.explained_detector import ExplainedDetector
from fakefaces.graphs.graph import Graph
from fakefaces.inference.detector import Detector
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.training.saving import save_detector

DEFAULTS = {"model": "m", "kind": "custom_cnn", "image_size": 32, "weights": "w", "threshold": 0.5, "parameters": 1}


class FunctionGraph(Graph):
    """A graph whose outputs are those of a function of one image's features."""

    def __init__(self, outputs: Callable[[Any], Sequence[float]], n: int = 1):
        self._outputs, self._shape = outputs, (n,)

    def __call__(self, features):
        return np.asarray(self._outputs(features), dtype=np.float32)


def constant(*outputs: float) -> FunctionGraph:
    """The same outputs for each image."""
    return FunctionGraph(lambda features: outputs, len(outputs))


def mean() -> FunctionGraph:
    """The mean of an image's pixels, 0 to 1."""
    return FunctionGraph(lambda features: [features.mean(dtype=np.float64) / 255])


def detector_of(graph: Graph, **metadata: Any) -> Detector:
    return Detector(graph, DetectorMetadata(**DEFAULTS | metadata))


def save_network(network: Any, folder: Path, **metadata: Any) -> Path:
    """Write the folder of a network's detector."""
    rng = np.random.default_rng(0)
    shapes = {tensor.name: tensor.shape[1:] for tensor in network.inputs}
    if len(shapes) > 1:
        inputs = np.zeros(3, [(name, np.float32, shape) for name, shape in shapes.items()])
        for name, shape in shapes.items():
            inputs[name] = rng.uniform(0, 1, (3, *shape))
    else:
        inputs = rng.uniform(0, 1, (3, *next(iter(shapes.values())))).astype(np.float32)
    save_detector(folder, network, DetectorMetadata(**DEFAULTS | metadata), inputs)
    return folder


def saved_and_loaded(network: Any, folder: Path, **metadata: Any) -> ExplainedDetector:
    return explained_detector.load(save_network(network, folder, **metadata))


def copy_detector(loaded: ExplainedDetector, folder: Path) -> None:
    shutil.copytree(loaded.folder, folder)
