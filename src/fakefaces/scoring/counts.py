"""Numbers of images by label and problem."""

from collections import Counter
from collections.abc import Iterable, Iterator

from fakefaces.base.schema import Schema
from fakefaces.inference.score import Score

_PROBLEM = "problem "


class Counts(Schema):
    """Numbers of images."""

    fake: int
    real: int
    unsure: int  # of those two, in the abstention band
    problems: dict[str, int]  # by code
    unfamiliar: int | None = None  # of fake and real; None where the detector does not know what is unfamiliar

    def __str__(self) -> str:
        bad = sum(self.problems.values())
        detail = ", ".join(f"{count:,} {problem}" for problem, count in self.problems.items())
        problems = f"{bad:,} with problems ({detail})" if bad else "no problems"
        unfamiliar = "" if self.unfamiliar is None else f", {self.unfamiliar:,} unfamiliar"
        return f"{self.fake:,} fake, {self.real:,} real ({self.unsure:,} of them unsure{unfamiliar}), {problems}"


class Tally:
    """Counts images as they come."""

    def __init__(self) -> None:
        self._counter: Counter[str] = Counter()

    def add(self, label: str | None, unsure: bool | None, problem: str | None, unfamiliar: bool | None = None) -> None:
        """Count an image, by these columns of its score."""
        if problem:
            self._counter[f"{_PROBLEM}{problem}"] += 1
            return
        self._counter.update({label or "": 1, "unsure": int(unsure is True), "unfamiliar": int(unfamiliar is True)})
        self._counter["known"] += unfamiliar is not None

    def over(self, scores: Iterable[Score]) -> Iterator[Score]:
        """Yield scores, and count them."""
        for score in scores:
            self.add(score.label, score.unsure, score.problem, score.unfamiliar)
            yield score

    @property
    def counts(self) -> Counts:
        """The counts until now."""
        counter = self._counter
        problems = {key.removeprefix(_PROBLEM): counter[key] for key in sorted(counter) if key.startswith(_PROBLEM)}
        return Counts(
            fake=counter["fake"],
            real=counter["real"],
            unsure=counter["unsure"],
            problems=problems,
            unfamiliar=counter["unfamiliar"] if counter["known"] else None,
        )
