"""Versions that an earlier release registered are given an inference graph and the code that they need."""

import shutil
from pathlib import Path

import numpy as np

from fakefaces.base.errors import ModelError, TrackingError
from fakefaces.base.leftovers import temporary_folder
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo
from fakefaces.data.photographs import list_photographs
from fakefaces.features.files import extract_files
from fakefaces.inference.detector import GRAPH, NETWORK
from fakefaces.inference.metadata import read_metadata
from fakefaces.models.export import export_file
from fakefaces.registry.store import Registry, Version
from fakefaces.tracking.detectors import fetch_detector
from fakefaces.tracking.integrity import GRAPH_TAG
from fakefaces.tracking.registration import is_packed, repack
from fakefaces.tracking.store import Store

_IMAGES = 16  # on which a graph is compared with its network


def upgrade(registry: Registry, version: Version, layout: Layout) -> None:
    """Export a version's inference graph and pack its code, where it lacks one of them; done once a version.

    Raises:
        ModelError: the network cannot be exported, or there are no photographs to compare its graph on.
        TrackingError: its files cannot be read or written.
    """
    if GRAPH_TAG in version.tags:
        return
    folder = with_graph(registry.store, version.uri, version.model_id, layout)
    if not is_packed(version.uri):
        echo(f"{version.uri}: packing the code that it needs")
        repack(registry.store, _known(version.model_id, version.uri), folder)
    registry.tag_graph(version, folder / GRAPH)


def upgrade_champion(registry: Registry, layout: Layout) -> None:
    """:func:`upgrade` the champion, if there is one."""
    if champion := registry.champion():
        upgrade(registry, champion, layout)


def with_graph(store: Store, uri: str, model_id: str, layout: Layout) -> Path:
    """The folder of a logged model's detector; a missing inference graph is exported and added to the model."""
    folder = fetch_detector(uri)
    if (folder / GRAPH).is_file():
        return folder
    echo(f"{uri}: exporting the inference graph, which an earlier release did not make")
    with temporary_folder() as temporary:
        copy, inputs = temporary / "detector", temporary / "inputs.npy"
        shutil.copytree(folder, copy)
        root = next((path for path in (layout.data, layout.root / "samples") if path.is_dir()), None)
        if root is None:
            raise ModelError(
                f"{uri}: its graph is compared with its network on photographs, and there are none in {layout.data}; "
                "bring them back: dvc checkout data.dvc"
            )
        faces = list_photographs(root)["image"]
        paths = [root / name for name in faces.iloc[:: 1 + len(faces) // _IMAGES]]
        np.save(inputs, extract_files(read_metadata(copy).spec, paths, threads=1))
        export_file(copy / NETWORK, copy / GRAPH, inputs)
        repack(store, _known(model_id, uri), copy)
    return fetch_detector(uri)


def _known(model_id: str, uri: str) -> str:
    if not model_id:
        raise TrackingError(
            f"{uri}: it was not registered from a logged model, so files cannot be added; train it anew"
        )
    return model_id
