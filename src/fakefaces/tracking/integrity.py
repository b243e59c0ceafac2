"""Whether a model's files are those that were registered: their digests stand in the registry."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fakefaces.inference.metadata import GRAPH
from fakefaces.tracking.digests import digest

SERVED_TAG = "served.digest"  # of versions and of the models behind them: of the detector's folder, as DVC computes it
GRAPH_TAG = "graph.sha256"  # of versions with an inference graph and packed code


def is_unchanged(folder: Path, tags: Mapping[str, str]) -> bool:
    """Whether a detector's folder is what the tags of its version say; True where they say nothing.

    A version of release 0.1 got its graph later: its other files are as they were, and the graph has a tag of its own.
    """
    served, graph = tags.get(SERVED_TAG), tags.get(GRAPH_TAG)
    if served is None or digest(folder) == served:
        return True
    if not (folder / GRAPH).is_file() or digest(folder, without=GRAPH) != served:
        return False
    return graph is None or hashlib.sha256((folder / GRAPH).read_bytes()).hexdigest() == graph


def registered_tags(client: Any, uri: str) -> tuple[str, dict[str, str]]:
    """The URI of what another leads to now, and its tags with digests.

    Args:
        client: MLflow's.
        uri: such as ``models:/fake-faces@champion``, ``models:/fake-faces/3`` or ``models:/m-<id>``; any other one is
            returned as it is, without tags.
    """
    name = uri.removeprefix("models:/")
    if name == uri:
        return uri, {}
    if "@" in name:
        name, alias = name.rsplit("@", 1)
        version = client.get_model_version_by_alias(name, alias)
        return f"models:/{name}/{version.version}", _digests(version.tags)
    if "/" in name:
        name, number = name.rsplit("/", 1)
        return uri, _digests(client.get_model_version(name, number).tags) if number.isdigit() else {}
    return uri, _digests(client.get_logged_model(name).tags)


def _digests(tags: Mapping[str, str] | None) -> dict[str, str]:
    return {key: value for key, value in (tags or {}).items() if key in (SERVED_TAG, GRAPH_TAG)}
