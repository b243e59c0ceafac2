"""The champion's scores of a candidate's test images.

Where it was evaluated on others, ``python -m fakefaces.registry.rescore URI``, a process of its own as it loads
TensorFlow, rescores it on the test images of the present split.
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
from fakefaces.data.splits import read_split
from fakefaces.inference import detector
from fakefaces.inference.predict import p_fakes, score_files
from fakefaces.models import runtime
from fakefaces.registry.candidates import workspace_test_digest
from fakefaces.registry.evidence import Evidence, find_evidence
from fakefaces.registry.promotion import ChampionScores
from fakefaces.registry.store import Version
from fakefaces.tracking.detectors import fetch_detector


class _Params(StageParams):
    threads: Count


def score_champion(champion: Version, candidate: Evidence) -> ChampionScores:
    """A champion's scores of the candidate's test images: from its own evaluation, or computed now.

    A ModelError is raised if it was never evaluated on them, and they are not this workspace's test images.
    """
    evidence = find_evidence(champion.tags.get("digest", ""), candidate.test_digest)
    if evidence:
        scores = dict(zip(evidence.predictions["sha256"], evidence.predictions["p_fake"], strict=True))
        return ChampionScores(evidence.metrics.threshold, scores)
    layout = Layout(environment.workspace())
    if workspace_test_digest(layout) != candidate.test_digest:
        raise ModelError(
            f"{champion.uri}: the champion was evaluated on other images than the candidate "
            f"({candidate.test_digest}), which are not this workspace's test images; check out the candidate's commit, "
            "run dvc repro, and promote again"
        )
    echo(f"rescoring the champion (version {champion.number}) on these test images")
    command = [sys.executable, "-m", "fakefaces.registry.rescore", champion.uri]
    process = subprocess.run(command, cwd=layout.root, stdout=subprocess.PIPE, text=True, check=False)
    if process.returncode:
        raise TrackingError(f"{champion.uri}: the champion could not be rescored; see the lines above")
    return ChampionScores(**json.loads(process.stdout), training_images=related_images(champion, layout))


def related_images(champion: Version, layout: Layout) -> frozenset[str]:
    """The sha256 of this workspace's images that share a photograph with one that the champion was trained on."""
    evidence = find_evidence(champion.tags.get("digest", ""))
    table = read_split(layout.images)
    groups = table.loc[table["sha256"].isin(evidence.training_images if evidence else ()), "group"]
    return frozenset(table.loc[table["group"].isin(groups), "sha256"])


def main(uri: str) -> None:
    """Score the test images and print the scores by the images' sha256."""
    layout = Layout(environment.workspace())
    params = read(_Params, layout.root / "params.yaml")
    table = read_split(layout.images)
    test = table[table["split"] == "test"]
    runtime.start(params.seed, params.threads)
    champion = detector.load(fetch_detector(uri))
    paths = [layout.data / image for image in test["image"]]
    scores = track(score_files(champion, paths, threads=params.threads), "scoring the champion", len(paths))
    by_image = dict(zip(test["sha256"], p_fakes(scores), strict=True))
    print(json.dumps({"threshold": champion.metadata.threshold, "p_fake": by_image}))


if __name__ == "__main__":
    sys.exit(error_boundary(main, *sys.argv[1:]))
