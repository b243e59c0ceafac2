"""Records of metrics of sets of images: all test images, slices of them, groups, corrupted copies; and over seeds."""

from fakefaces.base.schema import Schema
from fakefaces.evaluation.estimates import Confusion, Estimate, Rounded, Subset
from fakefaces.evaluation.intervals import Resampling


class AllMetrics(Subset):
    """All metrics of :data:`fakefaces.evaluation.metrics.METRICS`; fake is the positive class."""

    accuracy: Estimate
    balanced_accuracy: Estimate
    f1: Estimate
    precision: Estimate
    recall: Estimate
    roc_auc: Estimate
    average_precision: Estimate
    brier: Estimate
    majority_rate: Rounded | None  # accuracy of always predicting the larger class; None without images
    confusion: Confusion  # counts at the threshold


class MatchedMetrics(AllMetrics):
    """Metrics of the images in the encoding that most reals have; ``encoding`` is None if no real has a known one.

    Harmonised images all have one, :data:`fakefaces.evaluation.slices.HARMONISED`.
    """

    encoding: str | None


class SliceMetrics(Subset):
    """The fakes of one kind against all reals: metrics that do not depend on the share of fakes."""

    roc_auc: Estimate
    balanced_accuracy: Estimate
    recall: Estimate


class GroupMetrics(Subset):
    """The images of one group: shares of its reals that are called fake, and of its fakes that are called real."""

    false_alarms: Estimate  # of its reals; undefined without any
    misses: Estimate  # of its fakes; undefined without any
    roc_auc: Estimate  # of its images; where it has one class only, against all images of the other


class PointMetrics(Schema):
    """All metrics of a set of images without intervals; fake is the positive class."""

    n: int  # images
    accuracy: Rounded | None
    balanced_accuracy: Rounded | None
    f1: Rounded | None
    precision: Rounded | None
    recall: Rounded | None
    roc_auc: Rounded | None
    average_precision: Rounded | None
    brier: Rounded | None
    majority_rate: Rounded | None  # accuracy of always predicting the larger class
    confusion: Confusion  # counts at the threshold
    reasons: dict[str, str]  # why a metric is None, by metric

    def value(self, metric: str) -> float | None:
        """The metric of a name that comes from ``params.yaml``."""
        value: float | None = getattr(self, metric)
        return value


class DefaultMetrics(Subset):
    """Metrics at ``train.threshold``, which publications compare at, beside those at the threshold that decides."""

    default_threshold: float  # an image is called fake where its score reaches it
    accuracy: Estimate


class ReferenceMetrics(Schema):
    """Metrics by the reference's convention: real is positive, ``auc`` is that of hard predictions."""

    accuracy: Rounded | None
    f1: Rounded | None
    precision: Rounded | None
    recall: Rounded | None
    auc: Rounded | None
    confusion: Confusion
    reasons: dict[str, str]


class Calibration(Schema):
    """Calibration of the scores."""

    brier: Rounded  # Brier score
    ece_equal_mass: Rounded  # expected calibration error over bins of equal size
    ece_equal_width: Rounded  # expected calibration error over bins of equal width
    mean_p: Rounded  # mean score
    fraction_fake: Rounded  # share of fakes
    bins: int  # number of bins, at most


class ReliabilityBin(Schema):
    """A point of the reliability diagram: see :func:`fakefaces.evaluation.calibration.reliability`."""

    low: Rounded
    high: Rounded
    n: int
    mean_p: Rounded
    fraction_fake: Rounded


class SourcePairs(Schema):
    """Each fake against the photograph it was made from."""

    n: int  # pairs
    groups: int  # groups of images among the source photographs
    win_rate: Estimate  # share of fakes that score higher than their source; ties count one half
    ties: int  # pairs with equal scores
    unpaired: int  # fakes whose source is unknown or not among the images


class TestMetrics(Schema):
    """Metrics of the test images; a slice is its fakes against all reals, and empty where nothing is known."""

    threshold: float  # an image is called fake where its score reaches it
    bootstrap: Resampling  # how the intervals were computed
    overall: AllMetrics  # all images
    reference: ReferenceMetrics  # all images by the reference's convention
    calibration: Calibration  # of the scores
    difficulty: dict[str, SliceMetrics]  # slices by difficulty
    part: dict[str, SliceMetrics]  # slices by replaced part
    part_count: dict[str, SliceMetrics]  # slices by number of replaced parts, ``"1"`` to ``"4"``
    matched: MatchedMetrics | None  # images in the commonest encoding of reals; None where encodings were not given
    paired: SourcePairs | None  # fakes against their sources; None where sources were not given
    by_group: dict[str, dict[str, GroupMetrics]] = {}  # by attribute of ``evaluate.slices``, then by its groups
    default: DefaultMetrics | None = None  # all images at ``train.threshold``; None in evaluations of earlier releases

    def slices(self) -> dict[str, dict[str, SliceMetrics]]:
        """The slices by kind: ``difficulty``, ``part``, ``part_count``."""
        return {"difficulty": self.difficulty, "part": self.part, "part_count": self.part_count}


class ScoreDrift(Schema):
    """Changes of the scores on corrupted images."""

    mean: Rounded | None  # mean change
    reals: Rounded | None  # mean change of the reals; None without reals
    fakes: Rounded | None  # mean change of the fakes; None without fakes
    absolute: Rounded | None  # mean absolute change
    verdicts: Rounded | None  # share of images whose predicted class changes


class CorruptedMetrics(Subset):
    """Metrics of the same images after one corruption; ``transform`` and ``level`` are None for the originals."""

    transform: str | None
    level: float | None
    roc_auc: Estimate
    accuracy: Estimate
    recall: Estimate
    drift: ScoreDrift

    @property
    def name(self) -> str:
        """What tables and charts call it, such as ``jpeg 50``."""
        return "original" if self.transform is None else f"{self.transform} {self.level:g}"


class PartMetrics(Subset):
    """ROC AUC of the score of one face part."""

    roc_auc: Estimate


class PartScores(Schema):
    """ROC AUC of one part's score: replaced against unchanged, among all images and among the fakes."""

    all: PartMetrics
    fakes: PartMetrics


class SeedEstimate(Schema):
    """A metric of several trainings of one model that differ in their seeds alone."""

    values: list[Rounded | None]  # of each seed, the first one's first; None where it is undefined
    mean: Rounded | None = None  # None where a value is
    spread: Rounded | None = None  # standard deviation over seeds, of so many as a sample: n - 1
    # 95 %, of what one training by another seed would have on other photographs; None where there is none
    interval: tuple[Rounded, Rounded] | None = None
    reason: str | None = None  # why something is missing

    def __format__(self, _: str) -> str:
        """Mean, spread and interval for people, such as ``0.917 ± 0.012 [0.85, 0.96]``."""
        if self.mean is None or self.spread is None:
            return "–"
        bounds = f" [{self.interval[0]:.2f}, {self.interval[1]:.2f}]" if self.interval else ""
        return f"{self.mean:.3f} ± {self.spread:.3f}{bounds}"


class OverSeeds(Schema):
    """Metrics over the seeds of a model, on the test images."""

    n: int  # seeds
    metrics: dict[str, SeedEstimate]  # those of :data:`fakefaces.evaluation.seeds.SEED_METRICS`, by name
