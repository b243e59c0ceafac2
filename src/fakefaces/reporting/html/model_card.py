"""What the model card says in words, from the figures."""

from collections.abc import Mapping
from typing import Any

from fakefaces.reporting.html.run_outputs import Gathered
from fakefaces.reporting.tables.results import rule_name

Found = Mapping[str, Any]


def card(run: Gathered) -> dict[str, Any]:
    """The sentences of the model card, and what they hang on.

    Returns:
        ``verdict``, ``looked``, ``failures``: sentences. ``view_size``: pixels of the best model's view. ``native``:
        whether it reads photographs at their own resolution. ``drawn``: whether the faces are the sample's.
    """
    best = run.metrics[run.best]
    view = run.params.prepare.features[run.params.train.models[run.best].features]
    return {
        "verdict": _verdict(
            best, {name: found for name, found in run.metrics.items() if name.startswith(rule_name(""))}
        ),
        "looked": _looked(run.explanations.get(run.best)),
        "failures": _failures(best),
        "view_size": view.image_size,
        "native": view.extractor != "pixels",
        "drawn": (run.layout.data / "manifest.csv").is_file(),
    }


def _verdict(best: Found, rules: Mapping[str, Found]) -> str:
    overall = best["test"]["overall"]
    ends = overall["intervals"]["roc_auc"]
    lines = []
    if ends is None:
        lines.append("There are too few photographs to say whether it beats chance.")
    elif ends[0] > 0.5:
        lines.append("It ranks fakes above reals more often than chance does.")
    else:
        lines.append("**Its ROC AUC is not told from chance (0.5) by these images.**")
    known = {name: found["test"]["overall"]["roc_auc"] for name, found in rules.items()}
    known = {name: value for name, value in known.items() if value is not None}
    if known:
        top = max(known, key=known.__getitem__)
        ahead = overall["roc_auc"] is not None and overall["roc_auc"] > known[top]
        lines.append(
            f"The best rule that sees no face, `{top}`, has {known[top]:.3f}: "
            + ("the model has more." if ahead else "**the model does not beat it.**")
        )
    return " ".join(lines)


def _looked(looking: Found | None) -> str:
    if looking is None:
        return ""
    gains = {name: one["gain"]["intervals"]["pointing"] for name, one in looking["baselines"].items()}
    beaten = [name for name, ends in gains.items() if ends and ends[0] > 0]
    if set(beaten) == set(gains):
        return "It points there more often than either."
    if beaten == ["random"]:
        return (
            "It points there more often than noise, but not more often than the blob: a face's middle would do as well."
        )
    return "**It does not point there more often than maps that know nothing: its heat maps are no evidence.**"


def _failures(best: Found) -> list[str]:
    """The weakest slices, the transforms that cost most, the reals that it accuses and the fakes that it misses."""
    test, lines = best["test"], []
    counts = test["overall"]["confusion"]
    lines.append(
        f"At its threshold it calls {counts['fp']} of {counts['fp'] + counts['tn']} reals fake and misses "
        f"{counts['fn']} of {counts['fn'] + counts['tp']} fakes."
    )
    for kind, words in (("difficulty", "difficulty"), ("part", "replaced part"), ("part_count", "number of parts")):
        known = {name: one for name, one in test[kind].items() if one["roc_auc"] is not None}
        if known:
            worst = min(known, key=lambda name: known[name]["roc_auc"])
            ends = known[worst]["intervals"]["roc_auc"]
            shown = f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else " (too few for an interval)"
            lines.append(
                f"Weakest by {words}: {worst.replace('_', ' ')}, ROC AUC {known[worst]['roc_auc']:.3f}{shown} "
                f"on {known[worst]['fakes']} fakes."
            )
    levels = [row for row in best["robustness"] if row["transform"] and row["roc_auc"] is not None]
    untouched = next((row["roc_auc"] for row in best["robustness"] if row["transform"] is None), None)
    if levels and untouched is not None:
        worst_level = min(levels, key=lambda row: row["roc_auc"])
        lines.append(
            f"Most is lost by {worst_level['transform']} {worst_level['level']:g}: "
            f"ROC AUC {worst_level['roc_auc']:.3f} instead of {untouched:.3f}."
        )
    error = test["calibration"]["ece_equal_mass"]
    lines.append(f"Its scores are off by {error:.2f} on average from the share of fakes among images scored alike.")
    return lines
