"""Measure a registered detector on the test images of today's split, in a process of its own.

:func:`measured` is called where the champion was judged on other images than the candidate; the process that it
starts, ``python -m fakefaces.registry.rescore URI``, loads TensorFlow, so that promotion itself need not.
"""

import json
import subprocess
import sys

from fakefaces.base import environment
from fakefaces.base.errors import ModelError, TrackingError
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, track
from fakefaces.base.schema import Count, StageParams, read
from fakefaces.base.stage import error_boundary
from fakefaces.data.splits import images_digest, read_split
from fakefaces.inference import detector
from fakefaces.inference.predict import p_fakes, score_files
from fakefaces.models import runtime
from fakefaces.registry import promotion
from fakefaces.registry.evidence import Evidence, find
from fakefaces.registry.store import Version
from fakefaces.tracking.detectors import fetch


class _Params(StageParams):
    threads: Count


def measured(champion: Version, evidence: Evidence) -> promotion.Measured:
    """The champion's scores of the candidate's test images: from its evaluation, or made now.

    Raises:
        ModelError: it was never tested on them, and they are not this workspace's test images.
        TrackingError: it could not be loaded.
    """
    known = promotion.of_champion(champion, evidence)
    if known:
        return known
    layout = Layout(environment.workspace())
    if test_digest(layout) != evidence.test_digest:
        raise ModelError(
            f"{champion.uri}: the champion was tested on other images than the candidate ({evidence.test_digest}), and "
            "those are not this workspace's; check out the candidate's commit, run dvc repro, and promote again"
        )
    echo(f"measuring the champion (version {champion.number}) on these test images")
    command = [sys.executable, "-m", "fakefaces.registry.rescore", champion.uri]
    done = subprocess.run(command, cwd=layout.root, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise TrackingError(f"{champion.uri}: the champion could not be measured; see the lines above")
    return promotion.Measured(**json.loads(done.stdout), seen=seen_by(champion, layout))


def seen_by(champion: Version, layout: Layout) -> frozenset[str]:
    """The sha256 of this workspace's images that share a photograph with one that the champion was trained on."""
    own = find(champion.tags.get("digest", ""))
    table = read_split(layout.images)
    groups = table.loc[table["sha256"].isin(own.seen if own else ()), "group"]
    return frozenset(table.loc[table["group"].isin(groups), "sha256"])


def test_digest(layout: Layout) -> str | None:
    """The digest of this workspace's test images; None where the pipeline has not divided any."""
    if not layout.images.is_file():
        return None
    table = read_split(layout.images)
    return images_digest(table[table["split"] == "test"])


def main(uri: str) -> None:
    """Score the test images and print the scores by the images' sha256."""
    layout = Layout(environment.workspace())
    params = read(_Params, layout.root / "params.yaml")
    table = read_split(layout.images)
    test = table[table["split"] == "test"]
    runtime.start(params.seed, params.threads)
    champion = detector.load(fetch(uri))
    paths = [layout.data / image for image in test["image"]]
    scores = track(score_files(champion, paths, threads=params.threads), "scoring the champion", len(paths))
    by_image = dict(zip(test["sha256"], p_fakes(scores), strict=True))
    print(json.dumps({"threshold": champion.metadata.threshold, "p_fake": by_image}))


if __name__ == "__main__":
    sys.exit(error_boundary(main, *sys.argv[1:]))
