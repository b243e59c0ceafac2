"""The sentences of the model card, from the metrics."""

from collections.abc import Mapping

from fakefaces.evaluation.base_rate import RARE, ErrorRates, precision_at
from fakefaces.evaluation.localization_metrics import LocalizationMetrics
from fakefaces.evaluation.model_metrics import Estimate, Evaluation, ModelMetrics
from fakefaces.evaluation.summary import against_chance, not_for
from fakefaces.reporting.html.run_outputs import RunOutputs
from fakefaces.reporting.html.tippett import weight_of_evidence
from fakefaces.reporting.tables.columns import slice_title

_SLICE_KINDS = {"difficulty": "difficulty", "part": "replaced part", "part_count": "number of replaced parts"}


def card_context(run: RunOutputs) -> dict[str, object]:
    """What the card's template needs besides the page's context: sentences about the best model, and its input."""
    best = run.metrics[run.best]
    at_point = best.operating_point.test
    features = run.params.prepare.features[run.params.train.models[run.best].features]
    return {
        "conclusion": f"{against_chance(best)} {_against_rules(best, run.rules)}".strip(),
        "localization": _localization(run.localization.get(run.best)),
        "evidence": weight_of_evidence(best.likelihood_ratio),
        "failures": _failures(best),
        "rare_precision": precision_at(ErrorRates.of(at_point), RARE) if at_point else None,
        "image_size": features.image_size,
        "native": features.extractor != "pixels",  # photographs at their own resolution
        "synthetic": run.layout.drawn,
        "not_for": not_for(run.layout.drawn),
    }


def _against_rules(best: ModelMetrics, rules: Mapping[str, Evaluation]) -> str:
    values = _defined({name: rule.test.overall.roc_auc for name, rule in rules.items()})
    if not values:
        return ""
    top = max(values, key=values.__getitem__)
    roc_auc = best.test.overall.roc_auc.value
    ahead = roc_auc is not None and roc_auc > values[top]
    comparison = "the model is better." if ahead else "**the model is not better.**"
    return f"The best shortcut rule, `{top}`, has a ROC AUC of {values[top]:.3f}: {comparison}"


def _localization(metrics: LocalizationMetrics | None) -> str:
    if metrics is None:
        return ""
    intervals = {name: baseline.gain.pointing.interval for name, baseline in metrics.baselines.items()}
    beaten = {name for name, interval in intervals.items() if interval and interval[0] > 0}
    if beaten == set(intervals):
        return "It points there significantly more often than all baselines that know nothing of the photograph."
    if "random" in beaten:
        titles = {"centre": "the centre blob", "average": "its own average map of real photographs"}
        others = " and ".join(title for name, title in titles.items() if name in intervals and name not in beaten)
        return (
            f"It points there significantly more often than noise, but not than {others}: a map that knows nothing of "
            "the photograph would do as well."
        )
    return "**It does not point there significantly more often than the baselines: its heatmaps are no evidence.**"


def _failures(best: ModelMetrics) -> list[str]:
    """False alarms and misses, the weakest slices, the worst corruption, the calibration error."""
    counts = best.test.overall.confusion
    lines = [
        f"At its threshold it calls {counts.fp} of {counts.fp + counts.tn} reals fake and misses "
        f"{counts.fn} of {counts.fn + counts.tp} fakes."
    ]
    for kind, by_name in best.test.slices().items():
        values = _defined({name: metrics.roc_auc for name, metrics in by_name.items()})
        if values:
            worst = min(values, key=values.__getitem__)
            roc_auc, fakes = by_name[worst].roc_auc, by_name[worst].fakes
            few = "" if roc_auc.interval else " (too few for an interval)"
            title = f"{_SLICE_KINDS[kind]}: {slice_title(kind, worst)}"
            lines.append(f"Weakest by {title}, ROC AUC {roc_auc}{few} on {fakes} fakes.")
    levels = _defined({level.name: level.roc_auc for level in best.robustness})
    original = levels.pop("original", None)
    if levels and original is not None:
        worst = min(levels, key=levels.__getitem__)
        lines.append(f"Worst corruption: {worst}, ROC AUC {levels[worst]:.3f} instead of {original:.3f}.")
    error = best.test.calibration.ece_equal_mass
    return [*lines, f"Expected calibration error of its scores: {error:.2f}."]


def _defined(estimates: Mapping[str, Estimate]) -> dict[str, float]:
    return {name: estimate.value for name, estimate in estimates.items() if estimate.value is not None}
