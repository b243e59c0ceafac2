"""``fakefaces plan``."""

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError

if TYPE_CHECKING:
    from fakefaces.evaluation.base_rate import Traffic
    from fakefaces.evaluation.model_metrics import Estimate
    from fakefaces.evaluation.predictions import TestPredictions, ValidationPredictions
    from fakefaces.reporting.html.run_outputs import RunOutputs

_TIMES = (0.5, 1, 2)  # the given number of reviews that a threshold is suggested for


def plan(
    base_rate: Annotated[
        str, typer.Option(help="Share of fakes among the photographs that arrive, such as 1/100, 1% or 0.01.")
    ] = "1/100",
    photographs: Annotated[float, typer.Option(help="Photographs that arrive a day.")] = 10_000,
    reviews: Annotated[float, typer.Option(help="Photographs called fake that people can look at in a day.")] = 200,
    model: Annotated[
        str | None, typer.Option(help="A model of params.yaml.", show_default="the best on validation")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="A threshold to compare with the suggested ones.")
    ] = None,
) -> None:
    """Choose a threshold by how many people review, and by how rare fakes are."""
    from fakefaces.base.paths import Layout
    from fakefaces.evaluation.base_rate import Traffic, threshold_curve, threshold_for
    from fakefaces.evaluation.predictions import TestPredictions, ValidationPredictions
    from fakefaces.params.file import load
    from fakefaces.reporting.html.run_outputs import RunOutputs

    traffic = Traffic(_share(base_rate), photographs, reviews)
    root = environment.workspace()
    run = RunOutputs(load(root / "params.yaml"), Layout(root))
    name = _model(run, model)
    scored = run.scored(name)
    validation, test = ValidationPredictions.from_table(scored.validation), TestPredictions.from_table(scored.test)
    curve = threshold_curve(validation, max_points=len(validation) + 1)
    options = {f"{times * reviews:,.0f} reviews": replace(traffic, reviews=times * reviews) for times in _TIMES}
    rows = [(title, threshold_for(curve, option), option) for title, option in options.items()]
    rows += [
        ("operating point", run.metrics[name].operating_point.threshold, traffic),
        ("as given", threshold, traffic),
    ]
    about = (
        f"{name}: {base_rate} of {photographs:,.0f} photographs a day are fake. People look at up to {reviews:,.0f} of "
        f"those called fake, in no order of the score. Thresholds are chosen on {len(validation)} validation images; "
        f"the numbers a day, with 95 % intervals, follow from the rates on {len(test)} test images of {test.n_groups} "
        f"{'drawn faces: they say nothing about photographs.' if run.layout.drawn else 'photographs.'}"
    )
    print(textwrap.fill(about, 80), end="\n\n")
    _print(test, [(title, value, option) for title, value, option in rows if value is not None])
    for title, value, option in rows[: len(_TIMES)]:
        if value is None:
            print(f"No threshold for {title}: more than that score 1 on validation.")
        elif note := _resolution(validation, option):
            print(textwrap.fill(f"NOTE {title}: {note}", 80))


def _share(text: str) -> float:
    """The share that ``1/100``, ``1%`` or ``0.01`` names."""
    number, _, whole = text.strip().partition("/")
    percent = number.endswith("%") and not whole
    try:
        return float(number.removesuffix("%") if percent else number) / (100 if percent else float(whole or 1))
    except (ValueError, ZeroDivisionError):
        raise FakefacesError(f"--base-rate {text}: not a share; write 1/100, 1% or 0.01") from None


def _model(run: "RunOutputs", name: str | None) -> str:
    if name is not None and name not in run.models:
        raise FakefacesError(f"--model {name}: no model of params.yaml; there are {', '.join(run.models)}")
    needed = [run.layout.images, *map(run.layout.metrics, run.models), *map(run.layout.scores, run.models)]
    missing = [path for path in needed if not path.is_file()]
    if missing:
        raise FakefacesError(f"{run.layout.relative(missing[0])}: not there yet; make it with: dvc repro evaluate")
    return name or run.best


def _print(test: "TestPredictions", rows: list[tuple[str, float, "Traffic"]]) -> None:
    """Print title, threshold and what it means, highest threshold first; in two lines: values, and intervals."""
    from rich.table import Table

    from fakefaces.cli.tables import print_table
    from fakefaces.evaluation.base_rate import ErrorRates, workload

    table = Table(box=None, header_style="bold", padding=(0, 2, 1, 0))
    table.add_column("threshold", no_wrap=True)
    for title in ("called fake", "found", "accused", "missed", "precision"):
        table.add_column(title, justify="right", no_wrap=True)
    for title, threshold, traffic in sorted(rows, key=lambda row: -row[1]):
        day = workload(ErrorRates.at(test, threshold), traffic)
        counts = map(_count, (day.flagged, day.found, day.accused, day.missed))
        table.add_row(f"{threshold:.4f}\n{title}", *counts, _percent(day.precision))
    print_table(table)


def _resolution(validation: "ValidationPredictions", traffic: "Traffic") -> str | None:
    """Why the reals of the validation images are too few for such a threshold; None where they are enough."""
    reals = int((~validation.fake).sum())
    share = traffic.reviews / traffic.photographs
    if not reals or share >= 1 / reals:
        return None
    return f"{share:.1%} of all, but {reals} validation reals show no rate below {1 / reals:.1%}; see the intervals"


def _count(estimate: "Estimate") -> str:
    if estimate.value is None or estimate.interval is None:
        return "–"
    digits = 0 if estimate.interval[1] >= 10 else 1
    low, high = (f"{bound:,.{digits}f}" for bound in estimate.interval)
    return f"{estimate.value:,.{digits}f}\n{low}–{high}"


def _percent(estimate: "Estimate") -> str:
    if estimate.value is None or estimate.interval is None:
        return "–"
    return f"{estimate.value:.1%}\n{estimate.interval[0]:.1%}–{estimate.interval[1]:.1%}"
