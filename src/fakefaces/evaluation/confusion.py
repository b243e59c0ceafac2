"""Confusion counts."""

from dataclasses import asdict, dataclass

from fakefaces.base.errors import ModelError


@dataclass(frozen=True)
class Confusion:
    """Counts of predictions against labels, with one of the classes as the positive one.

    Raises:
        ModelError: a count is negative.
    """

    tp: int
    fp: int
    fn: int
    tn: int

    def __post_init__(self) -> None:
        if min(self.tp, self.fp, self.fn, self.tn) < 0:
            raise ModelError(f"confusion counts cannot be negative: {asdict(self)}")

    def swapped(self) -> "Confusion":
        """The same predictions with the other class as the positive one."""
        return Confusion(tp=self.tn, fp=self.fn, fn=self.fp, tn=self.tp)

    def sizes(self) -> dict[str, int]:
        """Number of images in each population of :data:`fakefaces.evaluation.metrics.POPULATIONS`."""
        return {
            "images": self.tp + self.fp + self.fn + self.tn,
            "positives": self.tp + self.fn,
            "negatives": self.fp + self.tn,
            "predicted_positives": self.tp + self.fp,
            "positives_or_predicted": self.tp + self.fp + self.fn,
        }
