"""Make the HTML page of a whole run and the model card; log both, and each model's charts, to MLflow."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from fakefaces.base.files import atomic_write, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import Step, echo, progress
from fakefaces.base.stage import run_stage
from fakefaces.params.file import Params
from fakefaces.reporting.html import charts
from fakefaces.reporting.html.context import base_rate, page_context
from fakefaces.reporting.html.dvc_plots import plot_tables
from fakefaces.reporting.html.model_card import card_context
from fakefaces.reporting.html.page import png, render_card, render_page, svg
from fakefaces.reporting.html.run_outputs import RunOutputs
from fakefaces.tracking.runs import stage_run

Drawn = dict[str, Future[bytes]]  # a model's charts by title, as PNGs


def main(params: Params, layout: Layout) -> None:
    run = RunOutputs(params, layout)
    with progress("report", 4 + len(run.models)) as step:  # charts, pictures, galleries, page; each model to MLflow
        context = page_context(run, lambda note: step(1, note))
        step(1, "page")
        page = render_page(context)
        write_text(layout.reports / "index.html", page)
        write_text(layout.reports / "model_card.md", render_card(context | card_context(run)))
        with atomic_write(layout.reports / "plots") as plots:
            for name, table in plot_tables(run).items():
                write_text(plots / f"{name}.csv", table.to_csv(index=False, float_format="%.6f"))
            if tippett := context["charts"].get("tippett"):  # for the model card
                write_text(plots / "tippett.svg", svg(charts.for_model(tippett, f"{run.best}: weight of evidence")))
        log(run, context, step)
    size = len(page.encode())
    echo(f"reports/index.html: {size / 1e6:.1f} MB, {len(context['data']['images'])} test images")
    if size > params.report.max_bytes:
        echo(f"WARNING the page is larger than report.max_bytes, {params.report.max_bytes}: lower report.gallery")


def log(run: RunOutputs, context: dict[str, Any], step: Step) -> None:
    """Log the page in one run, and each model's charts in a child run, under the same names so that they compare."""
    with ThreadPoolExecutor(1, "charts") as drawing:
        # Vega draws outside of Python's lock, while MLflow starts.
        drawn = {name: draw(drawing, run, context, name) for name in run.models}
        log_drawn(run, context, drawn, step)


def log_drawn(run: RunOutputs, context: dict[str, Any], drawn: dict[str, Drawn], step: Step) -> None:
    """Log the page, and each model's charts as soon as they are drawn."""
    with stage_run("report", role="report") as parent:
        commit = parent.tags["mlflow.source.git.commit"]
        dirty = " with uncommitted changes" if parent.tags["git.dirty"] == "true" else ""
        seconds = parent.metrics_of(run.layout.tuned("best"), "trial_seconds").get("trial_seconds")
        parent.text(render_page(context, commit=commit + dirty, tuning_seconds=seconds), "index.html")
        parent.artifact(run.layout.reports / "model_card.md")
        parent.log_outputs("reports/index.html", "reports/model_card.md")
        parent.metrics(heatmap_metrics(run, run.best))  # of the best, as the run has a row for each model below it
        for name in run.models:
            with parent.child(name, role="pictures") as child:
                child.params({"model": name})
                child.metrics(heatmap_metrics(run, name))
                for title, picture in drawn[name].items():
                    child.image(title, picture.result())
                for kind in ("feature_maps", "filters"):
                    path = run.layout.heatmaps / f"{name}_{kind}.png"
                    if path.is_file():
                        child.image(kind, path.read_bytes())
            step(1, f"{name} in MLflow")


def draw(drawing: ThreadPoolExecutor, run: RunOutputs, context: dict[str, Any], name: str) -> Drawn:
    """One model's charts by title, as PNGs that are drawn in turn."""
    specs = model_charts(run, context, name)
    return {
        title: drawing.submit(png, charts.for_model(spec, f"{name}: {title.replace('_', ' ')}"))
        for title, spec in specs.items()
    }


def heatmap_metrics(run: RunOutputs, name: str) -> dict[str, float | None]:
    """How well a model's heatmaps localize the forgery, with intervals; empty where that was not evaluated."""
    if name not in run.localization:
        return {}
    metrics = run.localization[name]
    values: dict[str, float | None] = {"empty": metrics.empty}
    for key, estimate in (("pointing", metrics.model.pointing), ("energy", metrics.model.energy)):
        low, high = estimate.interval or (None, None)
        values |= {key: estimate.value, f"{key}_low": low, f"{key}_high": high}
    return values


def model_charts(run: RunOutputs, context: dict[str, Any], name: str) -> dict[str, charts.Spec]:
    """One model's charts, by the name that they have in every model's run."""
    metrics = {name: run.metrics[name]}
    specs = {
        "roc": charts.roc({name: run.curves("roc")[name]}),
        "precision_recall": charts.precision_recall({name: run.curves("precision_recall")[name]}, base_rate(run)),
        "reliability": charts.reliability(metrics),
        "robustness": charts.robustness(metrics),
    }
    return specs | dict(zip(("loss", "accuracy"), context["charts"]["history"].get(name, []), strict=False))


if __name__ == "__main__":
    run_stage(main, Params)
