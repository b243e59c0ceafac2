"""Promotion: register the candidate as challenger, compare it with the champion on test, and set the champion."""

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.gate import ChampionComparison, GateResult, Scores, compare_with_champion, decide
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.shortcut_gate import compare_with_shortcuts, decide_on_shortcuts
from fakefaces.evaluation.summary import summary
from fakefaces.params.promote import Promote
from fakefaces.provenance import signatures
from fakefaces.registry.candidates import PromotionCandidate
from fakefaces.registry.evidence import Evidence
from fakefaces.registry.history import taken_back
from fakefaces.registry.kept_examples import keep_examples
from fakefaces.registry.store import ChampionChangedError, Registry, Version
from fakefaces.tracking.detectors import CHALLENGER, CHAMPION


@dataclass(frozen=True)
class ChampionScores:
    """A champion's scores of the candidate's test images."""

    threshold: float  # an image is called fake where its score reaches it
    p_fake: Mapping[str, float]  # by the images' sha256
    training_images: Collection[str] = ()  # sha256 of those that share a photograph with one that it was trained on
    n_trained: int | None = None  # images that it was trained or selected on; None where that is not recorded


@dataclass(frozen=True)
class Decision:
    """The decision on a candidate."""

    outcome: str  # ``champion`` or ``challenger``
    reason: str  # in one sentence
    model: str  # the candidate's name
    digest: str  # DVC's digest of its folder
    test_digest: str  # of the test images that both were evaluated on
    against: int | None  # the champion's version; None if there was none
    margin: float  # non-inferiority margin of the metric
    slice_margin: float  # the largest loss on a slice
    comparison: ChampionComparison | None = None  # with the champion; None where none was needed

    def tags(self) -> dict[str, str]:
        """The version's tags: the decision as JSON under ``decision``, and what people look for under own keys."""
        tags = {
            "decision.outcome": self.outcome,
            "decision.reason": self.reason,
            "decision.against": str(self.against or "none"),
        }
        if self.comparison:
            tags["decision.difference"] = str(self.comparison.difference)
            tags["decision.interval"] = json.dumps(self.comparison.interval)
            differences = [(s.difference, s.name) for s in self.comparison.slices if s.difference is not None]
            if differences:
                worst, name = min(differences, key=lambda pair: pair[0])
                tags["decision.worst_slice"] = f"{name} {worst:+.4f}"
        return tags | {"decision": json.dumps(asdict(self))}

    def markdown(self) -> str:
        """The decision as Markdown, for the version's page."""
        lines = [f"{self.model} is {self.outcome}: {self.reason}."]
        if self.comparison:
            lines += ["", f"| slice | fakes | difference in {self.comparison.metric} |", "| --- | --- | --- |"]
            for s in self.comparison.slices:
                shown = f"{s.difference:+.4f}" if s.difference is not None else f"not compared: {s.reason}"
                lines.append(f"| {s.name} | {s.fakes} | {shown} |")
        return "\n".join(lines)

    def record(self, version: int | None) -> dict[str, Any]:
        """The decision on a version for ``reports/promotion.json``."""
        return {"version": version} | asdict(self)


@dataclass(frozen=True)
class Promotion:
    """The inputs of a promotion; ``n_resamples`` and ``seed`` are the bootstrap's."""

    registry: Registry | None  # None where the decision alone is asked for, and no store
    candidate: PromotionCandidate
    rule: Promote
    score_champion: Callable[[Version, Evidence], ChampionScores]  # scores the candidate's test images
    n_resamples: int
    seed: int
    data: Path | None = None  # the photographs, a few of which a version keeps; None for a version without examples

    def decide(self, version: Version | None, champion: Version | None) -> Decision:
        """Compare the candidate, whose version is None if it is unregistered, with the champion, if there is one."""
        evidence = self.candidate.evidence
        result, comparison = self._compare(version, champion)
        return Decision(
            outcome=CHAMPION if result.promoted else CHALLENGER,
            reason=result.reason,
            model=evidence.model,
            digest=evidence.digest,
            test_digest=evidence.test_digest,
            against=champion.number if champion else None,
            margin=self.rule.margin,
            slice_margin=self.rule.slice_margin,
            comparison=comparison,
        )

    def _alone(self) -> GateResult:
        """Whether the candidate is shown to be better than chance, and than what sees no forgery."""
        evidence, resampling = self.candidate.evidence, Resampling(self.n_resamples, self.seed)
        comparison = compare_with_shortcuts(
            evidence.predictions, evidence.rules, resampling, harmonised=evidence.metrics.harmonised
        )
        return decide_on_shortcuts(comparison)

    def _advantage(self, champion: Version, n_trained: int | None) -> str | None:
        """What speaks for the candidate where the test images do not: validation, or more photographs; else None."""
        evidence, metric = self.candidate.evidence, self.rule.metric
        validation, theirs = evidence.metrics.validation.value(metric), champion.tags.get(f"validation.{metric}", "")
        with suppress(ValueError):  # "undefined", or not recorded for this metric
            if validation is not None and round(validation, 6) > float(theirs):
                return f"it is better on validation ({validation:.4f} against {float(theirs):.4f})"
        n = len(evidence.training_images)
        if n_trained and n > n_trained:
            return f"it was trained on more images ({n} against {n_trained})"
        return None

    def _compare(
        self, version: Version | None, champion: Version | None
    ) -> tuple[GateResult, ChampionComparison | None]:
        evidence = self.candidate.evidence
        if champion and version and version.number == champion.number:
            return GateResult(True, "it is the champion already"), None
        if version and self.registry and (event := taken_back(self.registry.history(), version.number)):
            reason = f"it was taken back on {event.at[:10]}, so that only --force REASON promotes it again"
            return GateResult(False, reason), None
        if champion and champion.tags.get("digest") == evidence.digest:
            return GateResult(True, "it is the champion's network, with another operating point"), None
        if self.rule.beat_shortcuts and not (alone := self._alone()).promoted:
            return alone, None
        if champion is None:
            return GateResult(True, "there was no champion"), None
        scores = self.score_champion(champion, evidence)
        p_fake = aligned_scores(scores, evidence.predictions)
        compared = ~evidence.predictions["sha256"].isin(set(scores.training_images))
        if not compared.any():
            return GateResult(False, "the champion was trained on all of the test images: it stays"), None
        comparison = compare_with_champion(
            evidence.predictions[compared],
            candidate=Scores(evidence.predictions.loc[compared, "p_fake"], evidence.metrics.decision_threshold),
            champion=Scores(p_fake[compared], scores.threshold),
            metric=self.rule.metric,
            resampling=Resampling(self.n_resamples, self.seed),
        )
        result = decide(
            comparison,
            margin=self.rule.margin,
            slice_margin=self.rule.slice_margin,
            advantage=self._advantage(champion, scores.n_trained) if comparison.tied else None,
        )
        if not compared.all():
            excluded = f"without the {int((~compared).sum())} test images that the champion was trained on"
            result = replace(result, reason=f"{excluded}: {result.reason}")
        return result, comparison


def promote(promotion: Promotion, force: str | None = None) -> tuple[Version, Decision]:
    """Register a candidate as challenger, decide, record the decision, and set the champion if it passed.

    Idempotent after a crash at any point. Where another process sets the champion meanwhile, the candidate is
    compared with the new one. ``force`` is a reason to promote the candidate whatever the gate says.
    """
    signatures.require_signer()
    registry = promotion.registry
    if registry is None:
        raise ValueError("a promotion without a registry can only decide")
    tags = promotion.candidate.tags(promotion.rule.metric)
    version = promotion.candidate.register(registry, tags)
    if promotion.data is not None:
        keep_examples(registry, version, promotion.candidate.evidence, promotion.data)
    registry.set_challenger(version)
    while True:
        champion = registry.champion()
        earlier = read_decision(champion) if champion and champion.number == version.number else None
        if earlier and earlier.outcome == CHAMPION:
            registry.repair_history()
            return version, earlier
        decision = promotion.decide(version, champion)
        if force is not None and decision.outcome != CHAMPION:
            decision = replace(decision, outcome=CHAMPION, reason=f"{force}; the gate: {decision.reason}")
        described = summary(decision.model, promotion.candidate.evidence.metrics, promotion.candidate.drawn)
        registry.annotate(version, f"{described}\n\n{decision.markdown()}", tags | decision.tags())
        record = registry.set_champion if decision.outcome == CHAMPION else registry.record_refusal
        try:
            record(version, champion, decision.reason)
        except ChampionChangedError:
            continue
        return version, decision


def aligned_scores(champion: ChampionScores, predictions: pd.DataFrame) -> pd.Series:
    """The champion's scores in the order of the candidate's test images; a ModelError if it scored other images."""
    scores = predictions["sha256"].map(champion.p_fake)
    if scores.isna().any() or set(champion.p_fake) != set(predictions["sha256"]):
        raise ModelError("champion and candidate were evaluated on different test images; their metrics do not compare")
    return scores.astype("float64")


def read_decision(version: Version) -> Decision | None:
    """The decision that is recorded on a version, by this or an earlier release of fakefaces; None if there is none."""
    if "decision" not in version.tags:
        return None
    fields = json.loads(version.tags["decision"])
    fields.setdefault("comparison", fields.pop("held", None))  # "held" in earlier releases
    return TypeAdapter(Decision).validate_python(fields)
