"""The test images that a version keeps: written once, before it can become champion."""

import hashlib
import json
from pathlib import Path

from fakefaces.base.leftovers import temporary_folder
from fakefaces.data.images import MAX_BYTES
from fakefaces.inference.kept_examples import FOLDER, SCORES
from fakefaces.registry.evidence import Evidence
from fakefaces.registry.store import Registry, Version

_OF_EACH_CLASS = 2


def keep_examples(registry: Registry, version: Version, evidence: Evidence, data: Path) -> None:
    """Store two reals and two fakes of the test images, with their scores, beside a version's detector.

    Args:
        registry: that holds the version.
        version: as it was registered.
        evidence: its evaluation.
        data: the folder of the photographs; those that are not there as they were evaluated are left out.

    Which ones is decided by their digests, so that two promotions keep the same ones. Done once a version.
    """
    client = registry.store.client
    if not version.model_id or "image" not in evidence.predictions:
        return
    if any(file.path == FOLDER for file in client.list_logged_model_artifacts(version.model_id)):
        return
    with temporary_folder() as temporary:
        folder, scores = temporary / FOLDER, dict[str, float]()
        folder.mkdir()
        table = evidence.predictions.sort_values("sha256")
        for _, images in table.groupby("label", sort=True):
            kept = 0
            for image, sha256, p_fake in zip(images["image"], images["sha256"], images["p_fake"], strict=True):
                if kept < _OF_EACH_CLASS and (content := _evaluated(data / image, sha256)) is not None:
                    (folder / sha256).write_bytes(content)
                    scores[sha256] = float(p_fake)
                    kept += 1
        if scores:
            (folder / SCORES).write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
            client.log_model_artifacts(version.model_id, str(temporary))


def _evaluated(path: Path, sha256: str) -> bytes | None:
    """An image file, if it is the one that was evaluated."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None
