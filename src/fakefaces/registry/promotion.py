"""Which model to promote, and whether it takes the champion's place: chosen on validation, gated on test."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.gate import ChampionComparison, GateResult, compare_with_champion, decide
from fakefaces.inference.metadata import Operating
from fakefaces.params.promote import Promote
from fakefaces.registry import decision
from fakefaces.registry import evidence as evidences
from fakefaces.registry.decision import CHALLENGER, CHAMPION, Decision
from fakefaces.registry.evidence import Evidence
from fakefaces.registry.store import Overtaken, Registry, Version

# A version; or what may become one: its output's path, as in ``dvc.lock``, and the folder with its files.
Entry = Version | tuple[str, Path]


@dataclass(frozen=True)
class Measured:
    """What a champion says of the candidate's test images.

    Attributes:
        threshold: from which on it calls an image fake.
        p_fake: by the images' sha256.
        seen: of these images, those that it was trained on, or that share a photograph with such a one.
    """

    threshold: float
    p_fake: Mapping[str, float]
    seen: Collection[str] = ()


def operating_point(found: Mapping[str, Any]) -> Operating | None:
    """Where the verdict turns, from a record of ``reports/metrics``; None where validation could not tell."""
    point = found["operating"]
    if point["threshold"] is None:
        return None
    return Operating(threshold=point["threshold"], low=point["unsure"]["low"], high=point["unsure"]["high"])


def judge(
    evidence: Evidence,
    version: Version | None,
    present: Version | None,
    rule: Promote,
    measure: Callable[[Version, Evidence], Measured],
    *,
    n_resamples: int,
    seed: int,
) -> Decision:
    """Hold a candidate against the present champion on the same test images.

    Args:
        evidence: of the candidate.
        version: its own, if it is registered.
        present: the champion, if there is one.
        rule: the margins.
        measure: gives the champion's scores of the candidate's test images.
        n_resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ModelError: the two were measured on different images, so their figures say nothing together.
    """

    def decided(verdict: GateResult, held: ChampionComparison | None = None) -> Decision:
        return Decision(
            CHAMPION if verdict.promoted else CHALLENGER,
            verdict.reason,
            evidence.model,
            evidence.digest,
            evidence.test_digest,
            present.number if present else None,
            rule.margin,
            rule.slice_margin,
            held,
        )

    _tested_by_one(evidence)
    if present is None:
        return decided(GateResult(True, "there was no champion"))
    if version and version.number == present.number:
        return decided(GateResult(True, "it is the champion already"))
    if present.tags.get("digest") == evidence.digest:
        return decided(GateResult(True, "it is the champion's network, with another operating point"))
    champion = measure(present, evidence)
    scores = scores_of(champion, evidence.tested)
    fresh = ~evidence.tested["sha256"].isin(set(champion.seen))
    if not fresh.any():
        return decided(GateResult(False, "the champion was trained on all of the test images: it stays"))
    held = compare_with_champion(
        evidence.tested[fresh],
        evidence.tested.loc[fresh, "p_fake"],
        scores[fresh],
        {"candidate": evidence.found["threshold"], "champion": champion.threshold},
        metric=rule.metric,
        n_resamples=n_resamples,
        seed=seed,
    )
    verdict = decide(held, margin=rule.margin, slice_margin=rule.slice_margin)
    if not fresh.all():
        text = f"without the {int((~fresh).sum())} test images that the champion was trained on: {verdict.reason}"
        verdict = replace(verdict, reason=text)
    return decided(verdict, held)


def scores_of(champion: Measured, tested: pd.DataFrame) -> pd.Series:
    """The champion's score of each of the candidate's test images, in their order.

    Raises:
        ModelError: it was measured on other images.
    """
    scores = tested["sha256"].map(champion.p_fake)
    if scores.isna().any() or set(champion.p_fake) != set(tested["sha256"]):
        raise ModelError("champion and candidate were measured on different test images; their figures do not compare")
    return scores.astype("float64")


def promote(
    registry: Registry,
    evidence: Evidence,
    entry: Entry,
    rule: Promote,
    measure: Callable[[Version, Evidence], Measured],
    *,
    n_resamples: int,
    seed: int,
    force: str | None = None,
) -> tuple[Version, Decision]:
    """Register a candidate as challenger, decide, write the decision down, and crown it if it passed.

    Whatever this is killed at, doing it again ends in the same registry. Where another process moves the
    champion meanwhile, the candidate is held against the new one.

    Args:
        registry: of the registered model.
        evidence: of the candidate.
        entry: its version, or what becomes one.
        rule: the margins.
        measure: as for :func:`judge`.
        n_resamples: as for :func:`judge`.
        seed: as for :func:`judge`.
        force: promote it whatever the gate says, for this reason.

    Raises:
        ModelError: as :func:`judge`.
        TrackingError: the store lacks what the candidate was made by.
    """
    _tested_by_one(evidence)
    figures = evidence_tags(evidence, rule.metric)
    if isinstance(entry, Version):
        version = entry
    else:
        version = registry.register(entry[0], evidence.digest, entry[1], operating_point(evidence.found), figures)
    registry.challenge(version)
    while True:
        present = registry.champion()
        earlier = decision.recorded(present) if present and present.number == version.number else None
        if earlier and earlier.outcome == CHAMPION:
            registry.settle()
            return version, earlier
        found = judge(evidence, version, present, rule, measure, n_resamples=n_resamples, seed=seed)
        if force is not None and found.outcome != CHAMPION:
            found = replace(found, outcome=CHAMPION, reason=f"{force}; the gate: {found.reason}")
        registry.note(version, decision.described(found), figures | decision.tags_of(found))
        if found.outcome != CHAMPION:
            assert present is not None
            registry.refuse(version, present, found.reason)
            return version, found
        try:
            registry.crown(version, present, found.reason)
        except Overtaken:
            continue
        return version, found


def known(registry: Registry, evidence: Evidence, entry: Entry) -> Version | None:
    """The version that a candidate is already; None if it is not registered."""
    if isinstance(entry, Version):
        return entry
    return registry.registered(entry[1], operating_point(evidence.found))


def evidence_tags(evidence: Evidence, metric: str) -> dict[str, str]:
    """What a version says of its model."""
    validation, test = evidence.found["validation"][metric], evidence.found["test"]["overall"][metric]
    point = operating_point(evidence.found)
    tags = {
        "model": evidence.model,
        "positive": "fake",
        "test.digest": evidence.test_digest,
        f"validation.{metric}": f"{validation:.6f}",
        f"test.{metric}": f"{test:.6f}",
    }
    if point:
        tags |= {f"operating.{name}": str(value) for name, value in point.model_dump().items()}
    return tags


def of_champion(present: Version, evidence: Evidence) -> Measured | None:
    """The champion's scores of the candidate's test images from its own evaluation; None if it has none on them."""
    own = evidences.find(present.tags.get("digest", ""), evidence.test_digest)
    if own is None:
        return None
    return Measured(own.found["threshold"], dict(zip(own.tested["sha256"], own.tested["p_fake"], strict=True)))


def _tested_by_one(evidence: Evidence) -> None:
    if evidence.found.get("protocol") == "folds":
        raise ModelError(
            f"{evidence.model}: cross-validated, so no one detector was tested on all images, and none can be "
            "promoted; say split.protocol: grouped in params.yaml, and run: dvc repro"
        )
