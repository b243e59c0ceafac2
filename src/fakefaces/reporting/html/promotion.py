"""What a promotion of the best model rests on: how many images, and which difference they could have shown."""

from dataclasses import dataclass

from fakefaces.evaluation.gate import detectable_difference
from fakefaces.evaluation.intervals import MIN_GROUPS, Resampling
from fakefaces.evaluation.predictions import TestPredictions
from fakefaces.reporting.html.run_outputs import RunOutputs
from fakefaces.reporting.tables.columns import Columns


@dataclass(frozen=True)
class PromotionBasis:
    """The test images, and the differences that they show four times in five."""

    metric: str  # that models are compared by
    n: int  # test images
    groups: int  # photographs
    margin: float  # non-inferiority margin
    unrelated: float | None  # difference to a model of unrelated errors; None where the images tell none
    reason: str | None  # why they tell none
    by_model: dict[str, float | None]  # difference of the best model to each other one of the run, on the same images


def promotion_basis(run: RunOutputs) -> PromotionBasis:
    """The basis of the comparison with a champion, from the test images of a run.

    The champion is known to the registry only, which other clones do not have: the page names the differences to the
    models of this run and to one of unrelated errors, between which a champion's lies.
    """
    predictions = {name: TestPredictions.from_table(run.scored(name).test) for name in run.models}
    metric, resampling = run.params.promote.metric, Resampling(run.n_resamples, run.params.seed)

    def shown(other: str) -> float | None:
        thresholds = run.thresholds[run.best], run.thresholds[other]
        return detectable_difference(predictions[run.best], predictions[other], thresholds, metric, resampling)

    unrelated = shown(run.best)
    few = min(predictions[run.best].n_groups_by_class) < MIN_GROUPS
    reason = "they are too few" if few else "the model has the same metric on every resample of them"
    return PromotionBasis(
        metric=metric.replace("_", " ").replace("roc auc", "ROC AUC"),
        n=len(predictions[run.best]),
        groups=predictions[run.best].n_groups,
        margin=run.params.promote.margin,
        unrelated=unrelated,
        reason=reason if unrelated is None else None,
        by_model={name: shown(name) for name in run.models if name != run.best},
    )


def basis_table(basis: PromotionBasis) -> Columns:
    """A row for each other model; empty where no difference is known."""
    if not any(basis.by_model.values()):
        return {}
    return {
        "compared with": list(basis.by_model),
        f"difference in {basis.metric} that is shown": [
            "–" if value is None else f"{value:.3f}" for value in basis.by_model.values()
        ],
    }
