"""A trained network as a detector's folder."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fakefaces.base.files import atomic_write, write_json
from fakefaces.inference.detector import GRAPH, METADATA, NETWORK
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.models import export
from fakefaces.models.runtime import save_network


def save_detector(
    folder: Path, network: Any, metadata: DetectorMetadata, inputs: NDArray[Any], graph: bytes | None = None
) -> None:
    """Write a detector's folder atomically; equal detectors give equal bytes.

    Args:
        folder: to be written; see :mod:`fakefaces.inference.detector`.
        network: a Keras model from what ``metadata.spec`` describes.
        metadata: of the network.
        inputs: features (n, ...) of a few photographs, on which the graph is compared with the network.
        graph: the inference graph; exported from the network where it is left out.

    Raises:
        ModelError: the graph's outputs differ from the network's.
    """
    graph = graph or export.export(network)
    export.check(graph, network, inputs)
    with atomic_write(folder) as aside:
        aside.mkdir()
        save_network(network, aside / NETWORK)
        (aside / GRAPH).write_bytes(graph)
        write_json(aside / METADATA, metadata.model_dump())
