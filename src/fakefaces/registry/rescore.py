"""The champion's scores of a candidate's test images; where it was evaluated on others, it scores them now."""

from fakefaces.base import environment
from fakefaces.base.errors import ModelError
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, track
from fakefaces.base.schema import Count, StageParams, read
from fakefaces.data.splits import read_split
from fakefaces.inference import detector
from fakefaces.inference.predict import p_fakes, score_files
from fakefaces.registry.candidates import workspace_test_digest
from fakefaces.registry.evidence import Evidence, find_evidence
from fakefaces.registry.promotion import ChampionScores
from fakefaces.registry.store import Version
from fakefaces.registry.upgrade import with_graph
from fakefaces.tracking.store import connect


class _Params(StageParams):
    threads: Count


def score_champion(champion: Version, candidate: Evidence) -> ChampionScores:
    """A champion's scores of the candidate's test images: from its own evaluation, or computed now.

    A ModelError is raised if it was never evaluated on them, and they are not this workspace's test images.
    """
    evidence = find_evidence(champion.tags.get("digest", ""), candidate.test_digest)
    if evidence:
        scores = dict(zip(evidence.predictions["sha256"], evidence.predictions["p_fake"], strict=True))
        n_trained = len(evidence.training_images) or None
        return ChampionScores(evidence.metrics.decision_threshold, scores, n_trained=n_trained)
    layout = Layout(environment.workspace())
    if workspace_test_digest(layout) != candidate.test_digest:
        raise ModelError(
            f"{champion.uri}: the champion was evaluated on other images than the candidate "
            f"({candidate.test_digest}), which are not this workspace's test images; check out the candidate's commit, "
            "run dvc repro, and promote again"
        )
    echo(f"rescoring the champion (version {champion.number}) on these test images")
    threshold, scores = rescored(champion, layout)
    trained_on = _training_images(champion)
    return ChampionScores(threshold, scores, related_images(champion, layout), n_trained=len(trained_on) or None)


def related_images(champion: Version, layout: Layout) -> frozenset[str]:
    """The sha256 of this workspace's images that share a photograph with one that the champion was trained on."""
    table = read_split(layout.images)
    groups = table.loc[table["sha256"].isin(_training_images(champion)), "group"]
    return frozenset(table.loc[table["group"].isin(groups), "sha256"])


def _training_images(champion: Version) -> frozenset[str]:
    evidence = find_evidence(champion.tags.get("digest", ""))
    return evidence.training_images if evidence else frozenset()


def rescored(champion: Version, layout: Layout) -> tuple[float, dict[str, float]]:
    """The champion's threshold, and its scores of this workspace's test images by the images' sha256."""
    params = read(_Params, layout.root / "params.yaml")
    table = read_split(layout.images)
    test = table[table["split"] == "test"]
    loaded = detector.load(with_graph(connect(), champion.uri, champion.model_id, layout)).of_labelled()
    paths = [layout.data / image for image in test["image"]]
    scores = track(score_files(loaded, paths, threads=params.threads), "scoring the champion", len(paths))
    return loaded.metadata.decision_threshold, dict(zip(test["sha256"], p_fakes(scores), strict=True))
