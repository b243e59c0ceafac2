"""Champion or challenger, by the corrections of what both scored: promote, keep, or go on.

The question is the promotion gate's: is the challenger no worse, and surely not worse by more than the margin. What is
compared is not the ranking but the labels at both operating points, as that is what people act on: for each corrected
photograph 1 where only the challenger was right, -1 where only the champion was, and 0 where they agree. The interval
is a confidence sequence, so that one may look after each correction, and stop when it decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from fakefaces.data.faces import FAKE, REAL
from fakefaces.evaluation.confidence_sequence import confidence_sequence, observations_until
from fakefaces.evaluation.intervals import MIN_GROUPS

_FORECAST_FROM = 20  # corrections
_LIMIT = 5_000  # further corrections, beyond which it is not said how many


class Verdict(StrEnum):
    """What is to be done."""

    PROMOTE = "promote"
    KEEP = "keep"
    GO_ON = "go on"


@dataclass(frozen=True)
class ShadowDecision:
    """The verdict, and what it rests on."""

    verdict: Verdict
    reason: str
    shadowed: int  # photographs that both scored
    disagreements: int  # of those, with different labels
    corrected: int  # of those that both scored, with a label of people
    champion: float | None  # accuracy on the corrected ones, 0 to 1; None without any
    challenger: float | None
    interval: list[float] | None  # of the difference: the confidence sequence at 95 %
    expected: int | None  # further corrections until it is decided; None where it is, or cannot be said


def decide_shadow(
    pairs: pd.DataFrame, labels: Mapping[str, int], *, margin: float, slice_margin: float, seed: int
) -> ShadowDecision:
    """Decide by the corrections that there are.

    Args:
        pairs: of :func:`fakefaces.monitoring.shadow_log.read_pairs`.
        labels: 1 fake and 0 real by sha256, in the order of the corrections.
        margin: a loss of accuracy beyond it must be ruled out.
        slice_margin: by which the challenger may not be worse on the reals, nor on the fakes.
        seed: of the forecast.
    """
    said = pairs.set_index("sha256")
    order = [digest for digest in labels if digest in said.index]
    corrected, truth = said.loc[order], np.array([labels[digest] for digest in order], dtype=np.intp)
    right = {name: (corrected[name].to_numpy(dtype=np.intp) == truth) for name in ("champion", "challenger")}
    differences = right["challenger"].astype(np.float64) - right["champion"].astype(np.float64)
    disagreements = int((pairs["champion"] != pairs["challenger"]).sum())
    if not order:
        reason = "no photograph that both scored has been corrected: review some, disagreements among them"
        return ShadowDecision(Verdict.GO_ON, reason, len(pairs), disagreements, 0, None, None, None, None)
    sequence = confidence_sequence(differences)
    low, high = float(sequence.low[-1]), float(sequence.high[-1])
    verdict, why = _verdict(differences, truth, (low, high), margin, slice_margin)
    expected = None
    if verdict is Verdict.GO_ON and len(order) >= _FORECAST_FROM:
        expected = observations_until(differences, above=-margin, below=0.0, limit=_LIMIT, seed=seed)
    champion, challenger = (float(values.mean()) for values in right.values())
    summary = (
        f"accuracy {challenger:.4f} against the champion's {champion:.4f} on the same {len(order)} corrected "
        f"photographs: {challenger - champion:+.4f} [{low:+.4f}, {high:+.4f}]"
    )
    return ShadowDecision(
        verdict, f"{summary}; {why}", len(pairs), disagreements, len(order), champion, challenger, [low, high], expected
    )


def _verdict(
    differences: np.ndarray, truth: np.ndarray, interval: tuple[float, float], margin: float, slice_margin: float
) -> tuple[Verdict, str]:
    low, high = interval
    if high < 0:
        return Verdict.KEEP, "the challenger is worse"
    if low < -margin:
        return Verdict.GO_ON, f"a loss of more than {margin:g} is not ruled out, nor is a gain"
    for label, name in ((REAL, "reals"), (FAKE, "fakes")):
        of_class = differences[truth == label]
        if len(of_class) >= MIN_GROUPS and of_class.mean() < -slice_margin:
            return Verdict.KEEP, f"but worse by more than {slice_margin:g} on {name}: {of_class.mean():+.4f}"
    if differences.mean() <= 0:
        return Verdict.KEEP, "the challenger is not better"
    return Verdict.PROMOTE, f"a loss of more than {margin:g} is ruled out"
