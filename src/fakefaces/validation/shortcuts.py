"""Shortcut audit: how well rules that cannot see a forgery separate fakes from reals.

A rule sees only the file's header, only a 16 x 16 grey thumbnail, only mean and spread of colour, or only EXIF.
Where such a rule beats chance, a detector trained on the same images may have learnt the same shortcut, and its
metrics must be compared with the rule's. Torralba and Efros, "Unbiased look at dataset bias",
CVPR 2011, doi:10.1109/CVPR.2011.5995347.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from fakefaces.data.faces import FAKE
from fakefaces.evaluation import intervals
from fakefaces.evaluation.metrics import majority_rate, weighted_metrics
from fakefaces.evaluation.predictions import Array, Mask, Predictions
from fakefaces.validation.facts import SIDE

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

ALPHA = 0.05  # family-wise error rate of the audit


@dataclass(frozen=True)
class RuleResult:
    """Cross-validated metrics of one shortcut rule; metrics are of held-out images."""

    rule: str  # its name
    n: int  # images
    roc_auc: float | None = None  # None where the images cannot be split into folds
    interval: list[float] | None = None  # 95 % bounds of ``roc_auc``; None where there is none
    accuracy: float | None = None  # at a probability of one half
    majority_rate: float | None = None  # majority-class accuracy
    beats_chance: bool = False  # ``roc_auc`` lies significantly above one half
    reason: str | None = None  # why a metric is None

    def __str__(self) -> str:
        if self.roc_auc is None:
            return f"{self.rule}: {self.reason}"
        ends = "" if self.interval is None else " [{:.2f}, {:.2f}]".format(*self.interval)
        return f"{self.rule}: ROC AUC {self.roc_auc:.2f}{ends}"


def rule_features(table: pd.DataFrame, appearance: NDArray[np.float32]) -> dict[str, Array]:
    """Compute the features that each rule sees, from the facts of n readable images and their appearance.

    Returns:
        float64 (n, d) by rule, without NaN. ``header``: the quantization table, the subsampling and the format,
        one-hot, and the logarithms of width, height and bytes per pixel; ``thumbnail`` and ``colour``: the
        appearance; ``exif``: the program, one-hot (no program counts as a value), and whether the image is stored
        rotated. Values of fewer than ten images share a column.
    """
    width, height, size = (table[column].to_numpy(dtype=np.float64) for column in ("width", "height", "bytes"))
    rotated = table["orientation"].ne(1).to_numpy(dtype=np.float64, na_value=0)
    header = [_one_hot(table[column]) for column in ("quantization", "subsampling", "format")]
    return {
        "header": np.column_stack([*header, np.log(width), np.log(height), np.log(size / (width * height))]),
        "thumbnail": appearance[:, : SIDE * SIDE].astype(np.float64),
        "colour": appearance[:, SIDE * SIDE :].astype(np.float64),
        "exif": np.column_stack([_one_hot(table["program"]), rotated]),
    }


def audit(
    features: Mapping[str, Array], labels: ArrayLike, groups: ArrayLike, *, n_resamples: int, seed: int
) -> list[RuleResult]:
    """Cross-validate each rule.

    A rule beats chance where the lower bound of its ROC AUC lies above one half. The bound is the quantile of
    the group bootstrap at :data:`ALPHA` divided by the number of rules (Bonferroni), moved √2 times as far from
    the point estimate: the bootstrap takes the scores as given, but any two images of different folds are
    compared twice, as each trains the classifier that scores the other; under random labels the two comparisons
    agree, which doubles the variance. No group is in both the training and the test images of a fold.
    """
    images = Predictions.from_arrays(labels, np.zeros(np.shape(labels)), groups)
    fold = stratified_group_folds(images, 5, seed)
    if fold is None:
        reals, fakes = images.n_groups_by_class
        reason = (
            f"too few photographs, {reals} with reals and {fakes} with fakes, for folds with both classes among "
            "the training images"
        )
        return [RuleResult(rule, len(images), majority_rate=majority_rate(images), reason=reason) for rule in features]
    alpha = ALPHA / len(features)
    return [
        _rule_result(
            rule,
            Predictions(images.fake, cross_val_predict(values, images.fake, fold, seed), images.group),
            alpha,
            n_resamples,
            seed,
        )
        for rule, values in features.items()
    ]


def fit_predict(features: Array, labels: ArrayLike, train: Mask, *, seed: int) -> Array:
    """Fit a classifier on the training images, and compute ``p_fake`` of all n images.

    It is the share of fakes among the training images where these are all of one class, or the features constant.
    """
    fake = np.asarray(labels) == FAKE
    with threadpool_limits(1):  # more threads would wait for each other, and change the last digits
        return _predict_proba(features, fake, train, features, float(fake[train].mean()), seed)


def _rule_result(rule: str, images: Predictions, alpha: float, n_resamples: int, seed: int) -> RuleResult:
    def metrics(weights: Array) -> dict[str, Array]:
        return weighted_metrics(images, 0.5, weights, ("roc_auc", "accuracy"))

    point = metrics(np.ones((1, len(images))))
    roc_auc = float(point["roc_auc"][0])
    smaller = min(images.n_groups_by_class)
    if smaller < intervals.MIN_GROUPS:
        interval, beats_chance = intervals.too_few_groups(smaller), False
    else:
        values = intervals.bootstrap(metrics, images.group, intervals.Resampling(n_resamples, seed))["roc_auc"]
        interval = intervals.percentile_interval(values)
        # Resamples that all agree give no interval, but a rule that is right in all of them does beat chance.
        defined = interval.n_undefined <= intervals.MAX_UNDEFINED * n_resamples
        bound = roc_auc - 2**0.5 * (roc_auc - float(np.nanquantile(values, alpha)))
        beats_chance = defined and bound > 0.5
    return RuleResult(
        rule,
        n=len(images),
        roc_auc=roc_auc,
        interval=interval.ends,
        accuracy=float(point["accuracy"][0]),
        majority_rate=majority_rate(images),
        beats_chance=beats_chance,
        reason="its features are the same in all images" if np.ptp(images.p_fake) == 0 else interval.reason,
    )


def stratified_group_folds(images: Predictions, n_splits: int, seed: int) -> NDArray[np.intp] | None:
    """The fold of each image, no group in two of them; None where some training set would lack a class."""
    from sklearn.model_selection import StratifiedGroupKFold

    for count in range(min(n_splits, *images.n_groups_by_class), 1, -1):
        fold = np.zeros(len(images), dtype=np.intp)
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        for k, (_, test) in enumerate(splitter.split(images.p_fake, images.fake, images.group)):
            fold[test] = k
        if all(len(np.unique(images.fake[fold != k])) == 2 for k in range(count)):
            return fold
    return None


def cross_val_predict(features: Array, fake: Mask, fold: NDArray[np.intp], seed: int) -> Array:
    """``p_fake`` of each image by the classifier that was not trained on its fold."""
    p_fake = np.empty(len(fake))
    prior = float(fake.mean())
    with threadpool_limits(1):  # more threads would wait for each other, and change the last digits
        for k in np.unique(fold):
            p_fake[fold == k] = _predict_proba(features, fake, fold != k, features[fold == k], prior, seed)
    return p_fake


def _predict_proba(features: Array, fake: Mask, train: Mask, test: Array, prior: float, seed: int) -> Array:
    """``p_fake`` of the test features, for a prior probability of fake.

    The classifier weights both classes equally and the prior is applied afterwards, by Bayes' rule. With the
    class shares of each fold's own training images instead, scores would be lower in folds with more fakes, which
    pulls the ROC AUC of a useless rule below one half.
    """
    varying = np.ptp(features, axis=0) > 0
    if not varying.any() or fake[train].all() or not fake[train].any():
        return np.full(len(test), prior)
    model = _classifier(int(varying.sum()), int(train.sum()), seed)
    model.fit(features[train][:, varying], fake[train])
    balanced = model.predict_proba(test[:, varying])[:, 1]
    p_fake = balanced * prior / (balanced * prior + (1 - balanced) * (1 - prior))
    # Processors differ in the ninth digit, and with six it showed in a few images.
    return np.asarray(p_fake.round(4), dtype=np.float64)


def _classifier(columns: int, rows: int, seed: int) -> "Pipeline":
    """Logistic regression on an approximated Gaussian kernel.

    Williams and Seeger, "Using the Nyström method to speed up kernel machines", NIPS 2000.
    """
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kernel = Nystroem(kernel="rbf", gamma=0.3 / columns, n_components=min(300, rows), random_state=seed)
    return make_pipeline(StandardScaler(), kernel, LogisticRegression(class_weight="balanced", max_iter=1000))


def _one_hot(values: pd.Series) -> Array:
    """A 0/1 column for each value of ten images or more, one for all rarer ones, and one for no value."""
    known = values.fillna("").astype(str)
    counts = known.map(known.value_counts())
    pooled = known.where((counts >= 10) | (known == ""), "rare")
    return pd.get_dummies(pooled).to_numpy(dtype=np.float64)
