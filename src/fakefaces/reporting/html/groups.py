"""Errors by group on the page and the model card: a table, what differs, and what was not measured."""

import re
from collections.abc import Mapping
from typing import Any

from fakefaces.data.attributes import attribute_names
from fakefaces.evaluation.estimates import Estimate
from fakefaces.evaluation.groups import NOT_STATED
from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.evaluation.subset_metrics import GroupMetrics
from fakefaces.reporting.html.run_outputs import RunOutputs
from fakefaces.reporting.tables.columns import Columns

# What differs between people, and the words in names of attributes that record it.
_PEOPLE = {"skin tone": ("skin", "tone", "race", "ethnicity"), "age": ("age",), "sex": ("sex", "gender")}
_APART = "the intervals of {low} and {high} do not overlap"


def group_table(metrics: Mapping[str, ModelMetrics]) -> Columns:
    """False alarms, misses and ROC AUC of each group, a row for each model and group; empty without groups."""
    columns: Columns = {}
    for model, evaluation in metrics.items():
        for attribute, groups in evaluation.test.by_group.items():
            for name, group in groups.items():
                cells = {
                    "model": model,
                    "attribute": attribute,
                    "group": name,
                    "reals": str(group.reals),
                    "false alarms": estimate_or_reason(group.false_alarms),
                    "fakes": str(group.fakes),
                    "misses": estimate_or_reason(group.misses),
                    "ROC AUC": format(group.roc_auc),
                    "photographs": str(group.groups),
                }
                for title, cell in cells.items():
                    columns.setdefault(title, []).append(cell)
    return columns


def estimate_or_reason(rate: Estimate) -> str:
    """A rate with its interval, or why there is none."""
    return rate.reason or "–" if rate.value is None else format(rate)


def group_sentences(run: RunOutputs) -> dict[str, Any]:
    """What the page and the card say of groups.

    Returns:
        ``apart``: groups of one attribute whose rates differ by more than their intervals; ``unmeasured``: what was not
        measured, and why.
    """
    by_group = run.metrics[run.best].test.by_group
    return {"apart": _apart(by_group), "unmeasured": _unmeasured(run, by_group)}


def _apart(by_group: Mapping[str, Mapping[str, GroupMetrics]]) -> list[str]:
    sentences = []
    for attribute, groups in by_group.items():
        for title, kind in (("false alarms", "reals"), ("misses", "fakes")):
            rates = {name: group.false_alarms if kind == "reals" else group.misses for name, group in groups.items()}
            known = {name: rate for name, rate in rates.items() if rate.value is not None and rate.interval}
            if len(known) < 2:
                continue
            low = min(known, key=lambda name: known[name].value or 0)
            high = max(known, key=lambda name: known[name].value or 0)
            lowest, highest = known[low].interval, known[high].interval
            assert lowest and highest
            if lowest[1] < highest[0]:
                sentences.append(
                    f"By {attribute}, {title} are most frequent for {high} ({known[high]}) and least for {low} "
                    f"({known[low]}): {_APART.format(low=low, high=high)}."
                )
    return sentences


def _unmeasured(run: RunOutputs, by_group: Mapping[str, Mapping[str, GroupMetrics]]) -> list[str]:
    lines = []
    for attribute, groups in by_group.items():
        for title, rates in (
            ("false alarms", {name: group.false_alarms for name, group in groups.items()}),
            ("misses", {name: group.misses for name, group in groups.items()}),
        ):
            if without := [name for name, rate in rates.items() if rate.value is None and name != NOT_STATED]:
                lines.append(
                    f"{title} by {attribute} of {', '.join(without)}: no test image of that class is in the group."
                )
        if NOT_STATED in groups:
            unstated = groups[NOT_STATED].n
            lines.append(f"{attribute} of {unstated} test images: the table of labels does not state it.")
        if len(groups) < 2:
            lines.append(f"differences by {attribute}: all test images are of one group.")
    if others := [name for name in attribute_names(run.images) if name not in by_group]:
        lines.append(f"errors by {', '.join(others)}: recorded, but not named in params.yaml: evaluate.slices.")
    recorded = set(re.findall("[a-z]+", " ".join(attribute_names(run.images)).lower().replace("_", " ")))
    examples = [title for title, words in _PEOPLE.items() if not recorded & set(words)]
    of_people = f", such as {' or '.join(examples)} of the people shown" if examples else ""
    lines.append(f"errors by anything that no table of labels states{of_people}.")
    return lines
