"""What may be promoted: the best model of the present pipeline, a registered version, or the model of a run."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from fakefaces.base.errors import ModelError, TrackingError
from fakefaces.base.paths import Layout
from fakefaces.data.splits import images_digest, read_split
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.evaluation.model_selection import select_candidate
from fakefaces.inference.metadata import Operating, read_metadata
from fakefaces.registry.evidence import Evidence, find_evidence, read_evidence
from fakefaces.registry.store import Registry, Version
from fakefaces.registry.upgrade import with_graph
from fakefaces.tracking.evaluations import training_images
from fakefaces.tracking.runs import OUTPUT_TAG, find_run
from fakefaces.tracking.store import connect

_RESTORE = "check out its commit, then: dvc repro, and fakefaces doctor --fix"  # which logs what DVC only fetched


@dataclass(frozen=True)
class Unregistered:
    """A detector that may become a version."""

    path: str  # of the output that it is, as in dvc.lock
    folder: Path  # with its files


@dataclass(frozen=True)
class PromotionCandidate:
    """A model that may be promoted; a cross-validated one is refused with a ModelError."""

    evidence: Evidence
    source: Version | Unregistered

    def __post_init__(self) -> None:
        if self.evidence.metrics.protocol == "folds":
            raise ModelError(
                f"{self.evidence.model}: cross-validated, so no single detector was tested on all images, and none can "
                "be promoted; set split.protocol: grouped in params.yaml, then: dvc repro"
            )

    @property
    def drawn(self) -> bool | None:
        """Whether it was trained on drawn faces; None for a version of an earlier release, which does not say."""
        if isinstance(self.source, Version):
            return {"true": True, "false": False}.get(self.source.tags.get("drawn", ""))
        return read_metadata(self.source.folder).drawn

    def operating_point(self) -> Operating | None:
        """The operating point that validation gave; None if it gave none."""
        point = self.evidence.metrics.operating_point
        if point.threshold is None:
            return None
        band = point.abstention_band
        ratio = self.evidence.metrics.likelihood_ratio
        parts = self.evidence.metrics.part_thresholds or {}
        calibration = ratio.model_dump(include={"slope", "intercept", "low", "high"}) if ratio else {}
        return Operating(
            threshold=point.threshold,
            low=band.low if band else None,
            high=band.high if band else None,
            **{f"lr_{name}": value for name, value in calibration.items()},
            **{f"part_{name}": value for name, value in parts.items()},
        )

    def version(self, registry: Registry) -> Version | None:
        """The version that it is already; None if it is not registered."""
        if isinstance(self.source, Version):
            return self.source
        return registry.registered(self.source.folder, self.operating_point())

    def register(self, registry: Registry, tags: dict[str, str]) -> Version:
        """Its version, registered now if it is none yet; a TrackingError says if no run in the store trained it."""
        source = self.source
        if isinstance(source, Version):
            return source
        return registry.register(source.path, self.evidence.digest, source.folder, self.operating_point(), tags)

    def tags(self, metric: str) -> dict[str, str]:
        """The tags of its version."""
        metrics, point = self.evidence.metrics, self.operating_point()
        validation, test = metrics.validation.value(metric), metrics.test.overall.estimate(metric).value
        return {
            "model": self.evidence.model,
            "positive": "fake",
            **({} if self.drawn is None else {"drawn": str(self.drawn).lower()}),
            "test.digest": self.evidence.test_digest,
            f"validation.{metric}": "undefined" if validation is None else f"{validation:.6f}",
            f"test.{metric}": "undefined" if test is None else f"{test:.6f}",
        } | ({f"operating.{name}": str(value) for name, value in point.model_dump().items()} if point else {})


def best_of_pipeline(layout: Layout, models: Collection[str], metric: str) -> PromotionCandidate:
    """The model of the present pipeline whose metric is best on validation; a TrackingError if it has not run."""
    needed = (*map(layout.metrics, models), layout.predictions)
    if missing := [path for path in needed if not path.is_file()]:
        raise TrackingError(f"{layout.relative(missing[0])} is missing; make it with: dvc repro")
    metrics = {name: ModelMetrics.read(layout.metrics(name)) for name in models}
    return pipeline_candidate(layout, select_candidate(metrics, metric).model)


def pipeline_candidate(layout: Layout, model: str) -> PromotionCandidate:
    """A model of the present pipeline, by its name."""
    folder = layout.model(model)
    evidence = read_evidence(model, ModelMetrics.read(layout.metrics(model)), layout.predictions)
    if layout.images.is_file():
        evidence = replace(evidence, training_images=frozenset(training_images(layout.images)))
    return PromotionCandidate(evidence, Unregistered(layout.relative(folder), folder))


def named_candidate(registry: Registry, name: str, layout: Layout) -> PromotionCandidate:
    """A version by its number or alias, or the model of a run by the run's id, its beginning, or its name.

    Its evaluation is the one on this workspace's test images, or else the newest one on others. A TrackingError says
    if there is no such version or run, or if it was never evaluated.
    """
    number = name.removeprefix(f"models:/{registry.name}/").removeprefix("v")
    version = registry.version(int(number)) if number.isdecimal() else registry.with_alias(name.split("@")[-1])
    if version:
        return PromotionCandidate(_find_evidence(version.tags.get("digest", ""), layout), version)
    return _candidate_of_run(name, layout)


def workspace_test_digest(layout: Layout) -> str | None:
    """The digest of this workspace's test images; None if the photographs have not been split."""
    if not layout.images.is_file():
        return None
    table = read_split(layout.images)
    return images_digest(table[table["split"] == "test"])


def _candidate_of_run(name: str, layout: Layout) -> PromotionCandidate:
    """The detector of the newest run of training or evaluation with this name, or an id that begins so."""
    store = connect(create=False)
    finished = store.search_runs("attributes.status = 'FINISHED'")
    runs = [run for run in finished if run.data.tags.get("role") in ("train", "evaluate")]
    by_id = [run for run in runs if len(name) >= 6 and run.info.run_id.startswith(name)]
    matches = by_id or [run for run in runs if run.info.run_name == name]
    if not matches:
        raise TrackingError(f"{name}: no version, alias, or run of training or evaluation; see: fakefaces registry")
    tags = matches[0].data.tags
    path = f"outputs/models/{matches[0].data.params['model']}"
    md5 = tags.get("model.digest") or tags.get(f"{OUTPUT_TAG}{path}", "")
    training = find_run(store, path, md5)
    if training is None:
        raise TrackingError(f"{name}: the run that trained its detector is not in the store; {_RESTORE}")
    models = training.outputs.model_outputs if training.outputs else []
    if not models:
        raise TrackingError(f"the run {training.info.run_name} ({training.info.run_id}) logged no detector")
    evidence = _find_evidence(md5, layout)
    model_id = models[-1].model_id
    return PromotionCandidate(evidence, Unregistered(path, with_graph(store, f"models:/{model_id}", model_id, layout)))


def _find_evidence(digest: str, layout: Layout) -> Evidence:
    evidence = find_evidence(digest, workspace_test_digest(layout)) or find_evidence(digest)
    if evidence is None:
        raise TrackingError(f"the MLflow store has no evaluation of the detector {digest}; {_RESTORE}")
    return evidence
