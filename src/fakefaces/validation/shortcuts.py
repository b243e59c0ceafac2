"""The shortcut audit: what can be told of the class by rules that cannot see a forgery.

A rule sees only the file's header, only a 16 x 16 grey thumbnail, only mean and spread of colour, or only EXIF.
Where such a rule tells fakes from reals, a detector trained on the same images may have learnt no more than
that, and its figures have to be read beside the rule's. Torralba and Efros, "Unbiased look at dataset bias",
CVPR 2011, doi:10.1109/CVPR.2011.5995347.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fakefaces.data.faces import FAKE
from fakefaces.evaluation import intervals
from fakefaces.evaluation.metrics import majority_rate, weighted_metrics
from fakefaces.evaluation.predictions import Array, Mask, Predictions
from fakefaces.validation.shortcut_features import Looks

RULES = ("header", "thumbnail", "colour", "exif")
FOLDS = 5
LEVEL = 0.05  # chance, at most, that the audit warns of any rule where none tells anything

_RARE = 10  # images that a value must have for a column of its own
_CENTRES = 300  # images that the kernel is approximated by
_WIDTH = 0.3  # of the kernel: gamma times the number of columns, on columns of unit spread
_BOTH_WAYS = 2**0.5  # see :func:`audit`
_DIGITS = 4  # of a score; processors differ in the ninth, and with six it showed in a few images


@dataclass(frozen=True)
class Finding:
    """What one rule tells of the class.

    Attributes:
        rule: one of :data:`RULES`.
        n: images it was tried on.
        roc_auc: of held-out images; None where they cannot be divided.
        interval: ``[low, high]``, 95 %, of ``roc_auc``; None where there is none.
        accuracy: of held-out images, at a probability of one half.
        majority_rate: the accuracy of always naming the larger class.
        beats_chance: ``roc_auc`` lies above one half by more than chance.
        reason: why a figure is None.
    """

    rule: str
    n: int
    roc_auc: float | None = None
    interval: list[float] | None = None
    accuracy: float | None = None
    majority_rate: float | None = None
    beats_chance: bool = False
    reason: str | None = None

    def __str__(self) -> str:
        if self.roc_auc is None:
            return f"{self.rule}: {self.reason}"
        ends = "" if self.interval is None else " [{:.2f}, {:.2f}]".format(*self.interval)
        return f"{self.rule}: ROC AUC {self.roc_auc:.2f}{ends}"


def rule_features(table: pd.DataFrame, looks: Looks) -> dict[str, Array]:
    """What each rule sees.

    Args:
        table: image facts, n readable images.
        looks: of the same images in the same order.

    Returns:
        float64 (n, d) by rule, without NaN. ``header``: the quantization table, the subsampling and the format
        as 0/1 columns, and the logarithms of width, height and bytes a pixel; ``thumbnail`` and ``colour``: as
        in :class:`Looks`; ``exif``: the program, none being one of its values, as 0/1 columns, and whether the
        image is stored turned. Values that fewer than ten images have share a column.
    """
    width, height, size = (table[column].to_numpy(dtype=np.float64) for column in ("width", "height", "bytes"))
    turned = table["orientation"].ne(1).to_numpy(dtype=np.float64, na_value=0)
    header = [_one_hot(table[column]) for column in ("quantization", "subsampling", "format")]
    return {
        "header": np.column_stack([*header, np.log(width), np.log(height), np.log(size / (width * height))]),
        "thumbnail": looks.thumbnail.astype(np.float64),
        "colour": looks.colour.astype(np.float64),
        "exif": np.column_stack([_one_hot(table["program"]), turned]),
    }


def audit(
    features: Mapping[str, Array], labels: ArrayLike, groups: ArrayLike, *, n_resamples: int, seed: int
) -> list[Finding]:
    """Try each rule on images that it did not learn from.

    A rule beats chance where the lower bound of its ROC AUC lies above one half. The bound is the quantile of
    the group bootstrap's draws at :data:`LEVEL` divided by the number of rules (Bonferroni), put √2 times as
    far from the figure. The bootstrap takes the scores as given, but any two images of different folds are
    compared twice, as each is learnt from to score the other; where labels are chance the two agree, which
    doubles the variance of the figure.

    Args:
        features: float64 (n, d) by rule.
        labels: (n,), 1 fake, 0 real.
        groups: (n,), images of one group share a photograph; a rule is never tried on an image of a group that
            it learnt from.
        n_resamples: of the bootstrap.
        seed: of the folds, the classifiers and the bootstrap.

    Returns:
        A finding a rule, in their order.
    """
    images = Predictions.from_arrays(labels, np.zeros(np.shape(labels)), groups)
    fold = _folds(images, FOLDS, seed)
    if fold is None:
        reals, fakes = (len(np.unique(images.group[images.fake == fake])) for fake in (False, True))
        reason = (
            f"cannot be told from {reals} groups with reals and {fakes} with fakes: no folds leave both classes "
            "to learn from"
        )
        return [Finding(rule, len(images), majority_rate=majority_rate(images), reason=reason) for rule in features]
    level = LEVEL / len(features)
    return [
        _finding(
            rule,
            Predictions(images.fake, _held_out(seen, images.fake, fold, seed), images.group),
            level,
            n_resamples,
            seed,
        )
        for rule, seen in features.items()
    ]


def out_of_fold(
    features: Array, labels: ArrayLike, groups: ArrayLike, *, n_splits: int = FOLDS, seed: int
) -> Array | None:
    """Score each image by a classifier that knows neither it nor another image of its group.

    Args:
        features: float64 (n, d).
        labels: (n,), 1 fake, 0 real.
        groups: (n,).
        n_splits: folds; fewer are taken where a class has fewer groups.
        seed: of the folds and of the classifiers.

    Returns:
        ``p_fake``, float64 (n,); None where no folds leave both classes to learn from.
    """
    images = Predictions.from_arrays(labels, np.zeros(np.shape(labels)), groups)
    fold = _folds(images, n_splits, seed)
    return None if fold is None else _held_out(features, images.fake, fold, seed)


def fitted(features: Array, labels: ArrayLike, train_mask: Mask, *, seed: int) -> Array:
    """Score all images by a classifier that learnt from some of them.

    Args:
        features: float64 (n, d).
        labels: (n,), 1 fake, 0 real.
        train_mask: bool (n,), the images to learn from; at least one.
        seed: of the classifier.

    Returns:
        ``p_fake``, float64 (n,). It is the share of fakes among the images learnt from where these are all of
        one class, or where the features do not vary.
    """
    fake = np.asarray(labels) == FAKE
    with _one_thread():
        return _scores(features, fake, train_mask, features, float(fake[train_mask].mean()), seed)


def _finding(rule: str, images: Predictions, level: float, n_resamples: int, seed: int) -> Finding:
    def figures(weights: Array) -> dict[str, Array]:
        return weighted_metrics(images, 0.5, weights, ("roc_auc", "accuracy"))

    point = figures(np.ones((1, len(images))))
    roc_auc = float(point["roc_auc"][0])
    smaller = min(len(np.unique(images.group[images.fake == fake])) for fake in (False, True))
    if smaller < intervals.MIN_GROUPS:
        interval, beats = intervals.too_few_groups(smaller), False
    else:
        values = intervals.bootstrap(figures, images.group, n_resamples=n_resamples, seed=seed)["roc_auc"]
        interval = intervals.percentile_interval(values)
        # Draws that all agree give no interval, but a rule that is right in all of them does beat chance.
        known = interval.left_out <= intervals.MAX_UNDEFINED * n_resamples
        beats = known and roc_auc - _BOTH_WAYS * (roc_auc - float(np.nanquantile(values, level))) > 0.5
    return Finding(
        rule,
        n=len(images),
        roc_auc=roc_auc,
        interval=interval.ends,
        accuracy=float(point["accuracy"][0]),
        majority_rate=majority_rate(images),
        beats_chance=beats,
        reason="all images are the same to it" if np.ptp(images.p_fake) == 0 else interval.reason,
    )


def _folds(images: Predictions, n_splits: int, seed: int) -> NDArray[np.intp] | None:
    """The fold of each image, whole groups at a time; every fold leaves both classes to learn from."""
    from sklearn.model_selection import StratifiedGroupKFold

    most = min(len(np.unique(images.group[images.fake == fake])) for fake in (False, True))
    for count in range(min(n_splits, most), 1, -1):
        fold = np.zeros(len(images), dtype=np.intp)
        dealt = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        for k, (_, held_out) in enumerate(dealt.split(images.p_fake, images.fake, images.group)):
            fold[held_out] = k
        if all(len(np.unique(images.fake[fold != k])) == 2 for k in range(count)):
            return fold
    return None


def _held_out(features: Array, fake: Mask, fold: NDArray[np.intp], seed: int) -> Array:
    p_fake = np.empty(len(fake))
    share = float(fake.mean())
    with _one_thread():
        for k in np.unique(fold):
            p_fake[fold == k] = _scores(features, fake, fold != k, features[fold == k], share, seed)
    return p_fake


def _scores(features: Array, fake: Mask, train: Mask, wanted: Array, share: float, seed: int) -> Array:
    """``p_fake`` of the wanted rows where a share of all images are fake.

    The classifier weighs both classes alike and the share comes in afterwards, by Bayes' rule. With the share
    of each fold's own training images instead, scores would be lower in the folds with more fakes, which pulls
    the ROC AUC of a rule that sees nothing below one half.
    """
    varying = np.ptp(features, axis=0) > 0
    if not varying.any() or fake[train].all() or not fake[train].any():
        return np.full(len(wanted), share)
    model = _classifier(int(varying.sum()), int(train.sum()), seed)
    model.fit(features[train][:, varying], fake[train])
    alike = model.predict_proba(wanted[:, varying])[:, 1]
    p_fake = alike * share / (alike * share + (1 - alike) * (1 - share))
    return np.asarray(p_fake.round(_DIGITS), dtype=np.float64)


def _classifier(columns: int, rows: int, seed: int) -> Any:
    """Logistic regression on an approximated Gaussian kernel.

    Williams and Seeger, "Using the Nyström method to speed up kernel machines", NIPS 2000.
    """
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kernel = Nystroem(kernel="rbf", gamma=_WIDTH / columns, n_components=min(_CENTRES, rows), random_state=seed)
    return make_pipeline(StandardScaler(), kernel, LogisticRegression(class_weight="balanced", max_iter=1000))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums of small matrices on one thread: more of them wait for each other, and change the last digits."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        yield


def _one_hot(values: pd.Series) -> Array:
    """A 0/1 column for each value that is not rare, one for the rare ones together, and one for none."""
    known = values.fillna("").astype(str)
    counts = known.map(known.value_counts())
    pooled = known.where((counts >= _RARE) | (known == ""), "rare")
    return pd.get_dummies(pooled).to_numpy(dtype=np.float64)
