"""The evaluation of one model or shortcut rule from its scores of the validation, test and corrupted images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fakefaces.base.errors import ModelError
from fakefaces.evaluation.calibration import reliability
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.likelihood_ratio import likelihood_ratio
from fakefaces.evaluation.metrics import point_metrics, subset_metrics
from fakefaces.evaluation.model_metrics import Evaluation
from fakefaces.evaluation.operating_point import operating_point, operating_threshold, part_thresholds
from fakefaces.evaluation.predictions import Array, ScoredImages, TestPredictions, ValidationPredictions
from fakefaces.evaluation.scores import evaluate_scores, knows_parts, part_score_metrics
from fakefaces.evaluation.seeds import over_seeds
from fakefaces.evaluation.slices import HARMONISED
from fakefaces.evaluation.subset_metrics import CorruptedMetrics, OverSeeds, ReliabilityBin, ScoreDrift


@dataclass(frozen=True)
class Evaluator:
    """What all models of a run are evaluated with."""

    max_fpr: float  # share of validation reals that the operating point may call fake
    max_fnr: float | None  # share of validation fakes that may score below the abstention band; None: not limited
    resampling: Resampling  # number of resamples of the groups, and seed
    protocol: str  # of the split
    n_splits: int  # cross-validation splits; 1 for a single one

    def evaluate(
        self,
        scored: ScoredImages,
        *,
        weights: str,
        threshold: float,
        corrupted: pd.DataFrame | None = None,
        rules: Mapping[str, pd.Series] | None = None,
        harmonised: bool = False,
    ) -> Evaluation:
        """Evaluate one model at its operating point, as every tool decides; at ``threshold`` where it has none.

        Args:
            scored: the validation and test images with their scores.
            weights: where the model's weights come from; what a rule sees.
            threshold: the default one, of :class:`DefaultMetrics` and of the reference's metrics.
            corrupted: ``transform``, ``level``, ``image``, ``p_fake`` of corrupted test images; None for none.
            rules: by shortcut rule, ``p_fake`` of the test images, indexed by ``image``.
            harmonised: whether the model saw the images in the same sizes and encodings; then all count as matched.
        """
        if harmonised:
            scored = replace(scored, test=scored.test.assign(encoding=HARMONISED))
        validation = ValidationPredictions.from_table(scored.validation)
        test = TestPredictions.from_table(scored.test)
        point = operating_point(
            validation, test, max_fpr=self.max_fpr, max_fnr=self.max_fnr, resampling=self.resampling
        )
        decision = threshold if point.threshold is None else point.threshold
        return Evaluation(
            weights=weights,
            threshold=decision,
            protocol=self.protocol,
            n_splits=self.n_splits,
            harmonised=harmonised,
            part_scores=part_score_metrics(scored.test, self.resampling),
            part_thresholds=part_thresholds(scored.validation, max_fpr=self.max_fpr)
            if knows_parts(scored.validation)
            else None,
            validation=point_metrics(validation, decision),
            test=evaluate_scores(scored.test, decision, self.resampling, default_threshold=threshold),
            operating_point=point,
            likelihood_ratio=likelihood_ratio(validation, test, self.resampling),
            reliability=[ReliabilityBin.model_validate(row) for row in reliability(test).to_dict("records")],
            variance_explained_by_shortcuts=variance_explained_by_shortcuts(scored.test, rules or {}),
            unfamiliar=float(scored.test["unfamiliar"].mean()) if "unfamiliar" in scored.test else None,
            robustness=[] if corrupted is None else robustness(scored.test, corrupted, decision, self.resampling),
        )

    def over_seeds(self, scored: Sequence[ScoredImages], *, threshold: float) -> OverSeeds | None:
        """Mean, spread and interval over the seeds of a model, each at its own operating point.

        Args:
            scored: by each seed, the first one first.
            threshold: the default one, of a seed without an operating point.

        Returns:
            None for a single seed.
        """
        if len(scored) == 1:
            return None
        thresholds = [self._operating_threshold(seed, threshold) for seed in scored]
        return over_seeds([TestPredictions.from_table(seed.test) for seed in scored], thresholds, self.resampling)

    def _operating_threshold(self, scored: ScoredImages, default: float) -> float:
        try:
            point = operating_threshold(ValidationPredictions.from_table(scored.validation), max_fpr=self.max_fpr)
        except ModelError:  # no reals to choose it on
            return default
        return default if point.threshold is None else point.threshold


def robustness(
    test: pd.DataFrame, corrupted: pd.DataFrame, threshold: float, resampling: Resampling
) -> list[CorruptedMetrics]:
    """Metrics on the test images of which there are corrupted copies: of the originals, then of each corruption.

    The copies have ``transform``, ``level``, ``image`` and ``p_fake``. After Hendrycks and Dietterich, "Benchmarking
    neural network robustness to common corruptions and perturbations", ICLR 2019.
    """
    originals = test[test["image"].isin(corrupted["image"])].set_index("image")
    original = TestPredictions.from_table(originals)

    def row(transform: str | None, level: float | None, p_fake: pd.Series) -> CorruptedMetrics:
        predictions = TestPredictions.from_table(originals.assign(p_fake=p_fake))
        change = predictions.p_fake - original.p_fake
        drift = ScoreDrift(
            mean=_mean(change),
            reals=_mean(change[~original.fake]),
            fakes=_mean(change[original.fake]),
            absolute=_mean(np.abs(change)),
            verdicts=_mean(predictions.called_fake(threshold) != original.called_fake(threshold)),
        )
        corruption = {"transform": transform, "level": level}
        return subset_metrics(CorruptedMetrics, predictions, threshold, resampling, **corruption, drift=drift)

    return [row(None, None, originals["p_fake"])] + [
        row(str(transform), float(str(level)), copies.set_index("image")["p_fake"])
        for (transform, level), copies in corrupted.groupby(["transform", "level"], sort=False)
    ]


def variance_explained_by_shortcuts(test: pd.DataFrame, rules: Mapping[str, pd.Series]) -> dict[str, float | None]:
    """The share of the variance of ``p_fake`` that each rule explains, and ``all`` of them together; empty without.

    Each rule has its ``p_fake`` of the test images, indexed by ``image``.
    """
    if not rules:
        return {}
    columns = {name: scores.loc[test["image"]].to_numpy()[:, None] for name, scores in rules.items()}
    columns["all"] = np.hstack(list(columns.values()))
    return {name: variance_explained(test["p_fake"], scores) for name, scores in columns.items()}


def variance_explained(p_fake: ArrayLike, rules: ArrayLike) -> float | None:
    """The coefficient of determination R² of a linear regression of the model's logits on the rules' logits.

    It is high where the model relies on what the rules see, or on something correlated with it; a score that they
    explain entirely needs no face. For scores (n,) of the model and (n, m) of m rules; in [0, 1], None where the
    model's scores are constant or there are too few images.
    """
    target, predictors = _logit(p_fake), _logit(rules)
    if len(target) <= predictors.shape[1] + 1 or np.ptp(target) < 1e-12:
        return None
    design = np.column_stack([np.ones(len(target)), predictors])
    fitted = design @ np.linalg.lstsq(design, target, rcond=None)[0]
    return float(np.clip(1 - np.sum((target - fitted) ** 2) / np.sum((target - target.mean()) ** 2), 0, 1))


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float | None:
    return float(values.mean()) if len(values) else None


def _logit(values: ArrayLike) -> Array:
    """Finite logits: scores nearer to 0 or 1 than 1e-6 are clipped."""
    p: Array = np.clip(np.asarray(values, dtype=np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))
