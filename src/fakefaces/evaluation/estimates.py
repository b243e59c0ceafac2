"""A metric with its interval, the size of what it was measured on, and counts of right and wrong.

Metrics are rounded to six decimals, so a record equals the one read back from its file.
"""

from dataclasses import asdict, dataclass
from typing import Annotated

from pydantic import AfterValidator

from fakefaces.base.errors import ModelError
from fakefaces.base.schema import Schema

DIGITS = 6
Rounded = Annotated[float, AfterValidator(lambda value: round(value, DIGITS))]


@dataclass(frozen=True)
class Confusion:
    """Counts of predictions against labels, with one of the classes as the positive one."""

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


class Estimate(Schema):
    """A metric with its 95 % confidence interval."""

    value: Rounded | None  # None where it is undefined
    interval: tuple[Rounded, Rounded] | None = None  # lower and upper bound; None where there is none
    n_undefined: int = 0  # bootstrap resamples in which the metric is undefined
    reason: str | None = None  # why value or interval is missing, or why the interval is Wilson's

    def __format__(self, sign: str) -> str:
        """Value and interval for people, such as ``0.917 [0.88, 0.95]``; with sign where ``sign`` is ``+``."""
        if self.value is None:
            return "–"
        bounds = f" [{self.interval[0]:{sign}.2f}, {self.interval[1]:{sign}.2f}]" if self.interval else ""
        return f"{self.value:{sign}.3f}{bounds}"


class Subset(Schema):
    """The size of a set of images, which its subclasses add metrics to."""

    n: int  # images
    reals: int  # real ones
    fakes: int  # fake ones
    groups: int  # groups of images that share a photograph

    def estimate(self, metric: str) -> Estimate:
        """The metric of a name that comes from ``params.yaml``."""
        estimate: Estimate = getattr(self, metric)
        return estimate
