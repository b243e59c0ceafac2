"""What a model's metrics say, in sentences: the model card and MLflow's descriptions share them."""

from collections.abc import Collection

from fakefaces.evaluation.intervals import ALL_EQUAL
from fakefaces.evaluation.model_metrics import ModelMetrics

NOT_FOR = (
    "Decisions about a person. A score is a reason to look, not evidence; no image should be called forged by it "
    "alone.",
    "Images unlike its training set: other sizes, crops, cameras or encoders, and other kinds of fakes (generated "
    "faces where it learned from replaced parts, and the other way round), were neither trained on nor tested.",
    "Images from a messenger or a web site, unless the robustness metrics allow it: recompression and resizing destroy "
    "the residuals.",
    "Improving forgeries by measuring them.",
)
_UNMEASURED = (
    "Fairness is unknown: skin colour, age and sex of the people shown are not recorded, so whether errors are more "
    "frequent for some groups was not measured."
)
_DRAWN = (
    "The embedded sample is drawn: a model trained on it has seen no photograph, and its metrics say nothing about any."
)
_MAYBE_DRAWN = "If it was trained on the embedded sample, which is drawn, its metrics say nothing about photographs."


def not_for(drawn: bool | None, measured: Collection[str] = ()) -> list[str]:
    """What a model must not be used for.

    Args:
        drawn: whether it was trained on drawn faces; None if unknown.
        measured: the attributes by whose groups errors were measured.
    """
    return [*NOT_FOR, _fairness(measured), *({True: [_DRAWN], None: [_MAYBE_DRAWN]}.get(drawn, []))]


def _fairness(measured: Collection[str]) -> str:
    if not measured:
        return _UNMEASURED
    names = ", ".join(f"`{name}`" for name in measured)
    return (
        f"Errors were measured by {names} alone, on the test images: whether they are more frequent for other groups "
        "of people, or for these in other photographs, was not measured."
    )


def against_chance(metrics: ModelMetrics) -> str:
    """Whether the ROC AUC on test differs from chance."""
    roc_auc = metrics.test.overall.roc_auc
    if roc_auc.interval is None:
        if roc_auc.reason == ALL_EQUAL:
            return f"Its ROC AUC is {roc_auc} on every resample of the test images; chance is 0.5."
        return "There are too few photographs to compare it with chance."
    if roc_auc.interval[0] > 0.5:
        return "Its ROC AUC is significantly above chance (0.5)."
    return "**Its ROC AUC does not differ significantly from chance (0.5).**"


def summary(model: str, metrics: ModelMetrics, drawn: bool | None) -> str:
    """A model in a few lines of Markdown: its test and validation metrics, its operating point, what it is not for."""
    test, validation = metrics.test.overall, metrics.validation
    images = "drawn faces" if drawn else "images"
    lines = [
        f"**{model}** scores a face from 0 (real) to 1 (fake). ROC AUC on {test.n} test {images} ({test.reals} real, "
        f"{test.fakes} fake): **{test.roc_auc}**; on validation {_number(validation.roc_auc)}. "
        f"{against_chance(metrics)}",
        "",
        "| test | value [95 % interval] |",
        "| --- | --- |",
        f"| accuracy at {metrics.threshold:.3g} | {test.accuracy} |",
        f"| Brier score | {test.brier} |",
    ]
    if matched := metrics.test.matched:
        lines.append(f"| ROC AUC in the reals' commonest encoding, {matched.n} images | {matched.roc_auc} |")
    if metrics.test.paired and metrics.test.paired.n:
        paired = metrics.test.paired
        lines.append(f"| fakes that score higher than their source, of {paired.n} | {paired.win_rate} |")
    point = metrics.operating_point
    if point.test and point.threshold is not None:
        lines += [
            f"| fakes found from {point.threshold:.3f} on | {point.test.recall} |",
            f"| reals accused from {point.threshold:.3f} on | {point.test.fpr} |",
        ]
    lines += ["", "It must not be used for:", "", *(f"- {line}" for line in not_for(drawn, metrics.test.by_group))]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
