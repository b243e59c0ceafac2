"""A batch against the reference: an alarm where a difference is both significant and large.

With tests alone, a large batch makes an alarm of any trifle; with effects alone, a small one makes an alarm of chance.
The level holds for a whole period: the probability of any false alarm in ``Rule.batches`` batches is at most
``Rule.alpha``, by Bonferroni's inequality over the batches, which holds although all are compared with one reference,
and by Holm's method over the observables of each.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fakefaces.evaluation.two_samples import Difference, compare_categories, compare_numbers, holm
from fakefaces.monitoring.batches import Batch
from fakefaces.monitoring.expectations import check_facts
from fakefaces.monitoring.observables import OBSERVABLES, Observable, observe, rule_scores
from fakefaces.monitoring.reference import Reference
from fakefaces.params.validate import Validate

_MOST = 5_000  # rows of a batch and of the reference that are compared; more show no effect that matters
_QUANTILES = np.linspace(0, 1, 41)
_SHOWN = 5  # categories


@dataclass(frozen=True)
class Rule:
    """When a difference is an alarm."""

    alpha: float = 0.05  # probability of any false alarm in the period, at most
    batches: int = 70  # of the period: ten weeks of days
    effect: float = 0.1  # share of a batch that must be other than the reference, at least
    fewest: int = 30  # images of an observable on either side, below which it is not compared
    seed: int = 0  # of the rows that are compared, and of the shortcut rules

    @property
    def level(self) -> float:
        """Of one batch."""
        return self.alpha / self.batches


@dataclass(frozen=True)
class Sample:
    """What a page shows of one side."""

    n: int
    text: str  # median and middle half, or the commonest categories
    quantiles: list[float] | None  # of numbers, from the smallest to the largest; None of categories


@dataclass(frozen=True)
class Check:
    """One observable of a batch and of the reference."""

    observable: Observable
    reference: Sample
    batch: Sample
    effect: float | None  # 0 to 1; None where it is not compared
    p_value: float | None  # by Holm's method
    alarm: bool
    reason: str | None  # why it is not compared


@dataclass(frozen=True)
class BatchResult:
    """A batch that was watched."""

    name: str
    images: int
    checks: list[Check]
    facts: list[dict[str, Any]]  # results of Great Expectations

    @property
    def alarms(self) -> list[str]:
        """A sentence for each alarm; empty for a quiet batch."""
        failed = [f for f in self.facts if not f["success"] and f["severity"] == "critical"]
        return [
            f"{check.observable.name}: {check.observable.meaning}: {check.reference.text} in the reference, "
            f"{check.batch.text} here (effect {check.effect:.2f}, p {check.p_value:.1g})"
            for check in self.checks
            if check.alarm
        ] + [f"{fact['meaning']}: violated by {fact['unexpected']} of {self.images}" for fact in failed]


def watch(batch: Batch, reference: Reference, rule: Rule, bounds: Validate) -> BatchResult:
    """Compare a batch with the reference, and its facts with the bounds of the training data."""
    facts = check_facts(batch.rows, bounds, 1 - rule.effect)
    return BatchResult(batch.name, len(batch.rows), compare(batch, reference, rule), facts)


def compare(batch: Batch, reference: Reference, rule: Rule) -> list[Check]:
    """Compare each observable of a batch with the reference."""
    rows = _at_most(batch.rows, rule.seed)
    before = _at_most(reference.rows, rule.seed)
    of_rules, of_batch_rules = rule_scores(
        reference.training, [before[reference.unseen.loc[before.index]], rows], seed=rule.seed
    )
    first, second = observe(before).join(of_rules), observe(rows).join(of_batch_rules)
    samples = {o.name: (first[o.name].dropna(), second[o.name].dropna()) for o in OBSERVABLES}
    reasons = {name: _reason(*pair, rule) for name, pair in samples.items()}
    compared = [o for o in OBSERVABLES if reasons[o.name] is None]
    differences = {o.name: _difference(o, *samples[o.name]) for o in compared}
    p_values = dict(zip(differences, holm([d.p_value for d in differences.values()]), strict=True))
    checks = []
    for o in OBSERVABLES:
        difference, p_value = differences.get(o.name), p_values.get(o.name)
        effect = difference.effect if difference else None
        alarm = effect is not None and p_value is not None and effect >= rule.effect and p_value <= rule.level
        sides = [_sample(o, side) for side in samples[o.name]]
        checks.append(Check(o, sides[0], sides[1], effect, p_value, alarm, reasons[o.name]))
    return checks


def _at_most(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    return rows if len(rows) <= _MOST else rows.sample(_MOST, random_state=seed)


def _reason(reference: pd.Series, batch: pd.Series, rule: Rule) -> str | None:
    """Why an observable is not compared; None where it is."""
    for side, values in (("the reference", reference), ("the batch", batch)):
        if len(values) < rule.fewest:
            return f"{len(values)} images of {side} have it; {rule.fewest} are needed"
    return None


def _difference(observable: Observable, reference: pd.Series, batch: pd.Series) -> Difference:
    if observable.is_number:
        return compare_numbers(reference.to_numpy(dtype=np.float64), batch.to_numpy(dtype=np.float64))
    return compare_categories(reference.tolist(), batch.tolist())


def _sample(observable: Observable, values: pd.Series) -> Sample:
    if values.empty:
        return Sample(0, "–", None)
    if observable.is_number:
        quantiles = [float(q) for q in np.quantile(values.to_numpy(dtype=np.float64), _QUANTILES)]
        low, middle, high = (quantiles[k] for k in (10, 20, 30))
        return Sample(len(values), f"median {middle:.4g} ({low:.4g} to {high:.4g})", quantiles)
    shares = values.map(_category).value_counts(normalize=True)
    listed = [f"{name} {share:.0%}" for name, share in shares.head(_SHOWN).items()]
    more = f", {len(shares) - _SHOWN} others" if len(shares) > _SHOWN else ""
    return Sample(len(values), ", ".join(listed) + more, None)


def _category(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value).strip() or "none"
