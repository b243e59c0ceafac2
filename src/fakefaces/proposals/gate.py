"""What the promotion gate would decide on the best model of this workspace, without changing anything."""

from collections.abc import Mapping
from dataclasses import dataclass

from fakefaces.base.errors import FakefacesError, NoStoreError
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, track
from fakefaces.data.splits import read_split
from fakefaces.evaluation.model_selection import select_candidate
from fakefaces.inference import detector
from fakefaces.inference.predict import p_fakes, score_files
from fakefaces.params.file import Params
from fakefaces.proposals.results import Results, read_results
from fakefaces.proposals.revisions import Revision
from fakefaces.registry.candidates import PromotionCandidate, best_of_pipeline, pipeline_candidate
from fakefaces.registry.evidence import Evidence
from fakefaces.registry.promotion import ChampionScores, Decision, Promotion
from fakefaces.registry.rescore import score_champion
from fakefaces.registry.store import Registry, Version


@dataclass(frozen=True)
class Verdict:
    """What the gate would decide."""

    against: str  # what the candidate was compared with, for people
    decision: Decision | None  # None where it cannot decide
    reason: str = ""  # why it cannot


def verdict(params: Params, layout: Layout, base: Revision | None, *, ask_registry: bool = True) -> Verdict:
    """Let the gate decide on the best model of this workspace.

    It is compared with the registry's champion, where there is a store with one and ``ask_registry``; or else with the
    best model of ``base``, which has the evaluation of its results, as if that were the champion.
    """
    rule = params.promote
    against = "nothing: there are neither a champion nor results of the base"
    try:
        candidate = best_of_pipeline(layout, params.train.models, rule.metric)
        registry = _registry(rule.name) if ask_registry else None
        champion = registry.champion() if registry else None
        if champion:
            against = f"the champion, version {champion.number} of {rule.name}"
            scores = score_champion
        elif base:
            stand_in = _StandIn(base, read_results(base.layout), layout, params)
            against = (
                f"the best model of {base.commit[:10]}, {stand_in.candidate.evidence.model}, as if it were the champion"
            )
            champion, scores = stand_in.version(), stand_in.scores
        else:
            scores = score_champion
        n_resamples, seed = params.evaluate.n_resamples, params.seed
        promotion = Promotion(registry, candidate, rule, scores, n_resamples, seed)
        is_there = layout.model(candidate.evidence.model).is_dir()
        version = candidate.version(registry) if registry and is_there else None
        return Verdict(against, promotion.decide(version, champion))
    except FakefacesError as error:
        return Verdict(against, None, str(error))


def _registry(name: str) -> Registry | None:
    """The registry; None where there is no store yet, which must not be made for this."""
    try:
        return Registry(name, create=False)
    except NoStoreError:
        return None


class _StandIn:
    """The best model of another revision in the place of a champion."""

    def __init__(self, base: Revision, results: Results, layout: Layout, params: Params):
        self._base, self._layout, self._params = base, layout, params
        best = select_candidate(results.models, params.promote.metric)
        base.fetch(base.layout.images)
        self.candidate: PromotionCandidate = pipeline_candidate(base.layout, best.model)

    def version(self) -> Version:
        """As if it were registered."""
        metric = self._params.promote.metric
        validation = self.candidate.evidence.metrics.validation.value(metric)
        tags = {
            "digest": self.candidate.evidence.digest,
            f"validation.{metric}": "undefined" if validation is None else f"{validation:.6f}",
        }
        return Version(0, f"{self.candidate.evidence.model} of {self._base.commit[:10]}", tags, run_id="")

    def scores(self, champion: Version, candidate: Evidence) -> ChampionScores:
        """Its scores of the candidate's test images: from its evaluation, or computed now where they are others."""
        evidence = self.candidate.evidence
        known: Mapping[str, float] = dict(
            zip(evidence.predictions["sha256"], evidence.predictions["p_fake"], strict=True)
        )
        threshold, n_trained = evidence.metrics.decision_threshold, len(evidence.training_images) or None
        if set(known) == set(candidate.predictions["sha256"]):
            return ChampionScores(threshold, known, n_trained=n_trained)
        echo(f"the test images are not those of {self._base.commit[:10]}: its model scores them now")
        table = read_split(self._layout.images)
        groups = table.loc[table["sha256"].isin(evidence.training_images), "group"]
        related = frozenset(table.loc[table["group"].isin(groups), "sha256"])
        return ChampionScores(threshold, self._rescored(candidate), related, n_trained)

    def _rescored(self, candidate: Evidence) -> dict[str, float]:
        folder = self._base.layout.model(self.candidate.evidence.model)
        self._base.fetch(folder)
        loaded, table = detector.load(folder).of_labelled(), candidate.predictions
        paths = [self._layout.data / image for image in table["image"]]
        scores = track(score_files(loaded, paths, threads=self._params.threads), "scoring the base's model", len(paths))
        return dict(zip(table["sha256"], p_fakes(scores), strict=True))
