"""The evaluation of one model or shortcut rule from its scores of the validation, test and corrupted images."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from fakefaces.evaluation.calibration import reliability
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.metrics import point_metrics
from fakefaces.evaluation.model_metrics import CorruptedMetrics, Evaluation, ReliabilityBin
from fakefaces.evaluation.operating_point import operating_point
from fakefaces.evaluation.part_scores import part_score_metrics
from fakefaces.evaluation.predictions import ScoredImages, TestPredictions, ValidationPredictions
from fakefaces.evaluation.robustness import robustness
from fakefaces.evaluation.scores import evaluate_scores
from fakefaces.evaluation.shortcut_variance import variance_explained_by_shortcuts


@dataclass(frozen=True)
class Evaluator:
    """What all models of a run are evaluated with."""

    max_fpr: float  # share of validation reals that the operating point may call fake
    max_fnr: float  # share of validation fakes that may score below the abstention band
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
    ) -> Evaluation:
        """Evaluate one model.

        Args:
            scored: the validation and test images with their scores.
            weights: where the model's weights come from; what a rule sees.
            threshold: an image is called fake where ``p_fake >= threshold``.
            corrupted: ``transform``, ``level``, ``image``, ``p_fake`` of corrupted test images; None for none.
            rules: by shortcut rule, ``p_fake`` of the test images, indexed by ``image``.
        """
        validation = ValidationPredictions.from_table(scored.validation)
        test = TestPredictions.from_table(scored.test)
        return Evaluation(
            weights=weights,
            threshold=threshold,
            protocol=self.protocol,
            n_splits=self.n_splits,
            part_scores=part_score_metrics(scored.test, self.resampling),
            validation=point_metrics(validation, threshold),
            test=evaluate_scores(scored.test, threshold, self.resampling),
            operating_point=operating_point(
                validation,
                test,
                max_fpr=self.max_fpr,
                max_fnr=self.max_fnr,
                resampling=self.resampling,
            ),
            reliability=[ReliabilityBin.model_validate(row) for row in reliability(test).to_dict("records")],
            variance_explained_by_shortcuts=variance_explained_by_shortcuts(scored.test, rules or {}),
            robustness=[] if corrupted is None else _robustness(scored.test, corrupted, threshold, self.resampling),
        )


def _robustness(
    test: pd.DataFrame, corrupted: pd.DataFrame, threshold: float, resampling: Resampling
) -> list[CorruptedMetrics]:
    original = test[test["image"].isin(corrupted["image"])].set_index("image")
    scores = {
        (str(transform), float(str(level))): rows.set_index("image")["p_fake"].loc[original.index]
        for (transform, level), rows in corrupted.groupby(["transform", "level"], sort=False)
    }
    return robustness(original, scores, threshold, resampling)
