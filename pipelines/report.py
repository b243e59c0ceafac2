"""Make the page that holds a whole run together, and the model card; log both, and each model's pictures, to MLflow."""

from typing import Any

from fakefaces.base.files import write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress
from fakefaces.base.stage import run_stage
from fakefaces.params.file import Params
from fakefaces.reporting.html import charts
from fakefaces.reporting.html.context import content
from fakefaces.reporting.html.dvc_plots import points
from fakefaces.reporting.html.model_card import card
from fakefaces.reporting.html.rendering import png, render_card, render_page
from fakefaces.reporting.html.run_outputs import Gathered
from fakefaces.tracking.runs import stage_run

_STEPS = ("charts", "pictures", "galleries", "page", "MLflow")


def main(params: Params, layout: Layout) -> None:
    run = Gathered(params, layout)
    with progress("report", len(_STEPS)) as step:
        made = content(run, lambda note: step(1, note))
        step(1, "page")
        page, written = layout.reports / "index.html", layout.reports / "model_card.md"
        text = render_page(made)
        write_text(page, text)
        write_text(written, render_card(made | card(run)))
        for name, table in points(run).items():
            write_text(layout.reports / "plots" / f"{name}.csv", table.to_csv(index=False, float_format="%.6f"))
        log(run, made)
        step(1, "MLflow")
    size = len(text.encode())
    echo(f"reports/index.html: {size / 1e6:.1f} MB, {len(made['data']['images'])} test images")
    if size > params.report.max_bytes:
        echo(f"WARNING the page is larger than report.max_bytes, {params.report.max_bytes}: lower report.gallery")


def log(run: Gathered, made: dict[str, Any]) -> None:
    """One run with the page, and within it one a model whose pictures have the same names in each: to be compared."""
    with stage_run("report", role="report") as parent:
        commit = parent.tags["mlflow.source.git.commit"]
        dirty = " with changes that are not committed" if parent.tags["git.dirty"] == "true" else ""
        took = parent.metrics_of(run.layout.tuned("best"), "trial_seconds").get("trial_seconds")
        parent.text(render_page(made, commit=commit + dirty, tuning_seconds=took), "index.html")
        parent.artifact(run.layout.reports / "model_card.md")
        parent.log_outputs("reports/index.html", "reports/model_card.md")
        for name in run.models:
            with parent.child(name, role="pictures") as child:
                child.params({"model": name})
                found = run.explanations.get(name, {})
                child.metrics({key: found[key] for key in ("pointing", "energy", "empty") if key in found})
                for picture, spec in pictures(run, made, name).items():
                    child.image(picture, png(charts.for_model(spec, f"{name}: {picture.replace('_', ' ')}")))
                for kind in ("feature_maps", "filters"):
                    path = run.layout.heatmaps / f"{name}_{kind}.png"
                    if path.is_file():
                        child.image(kind, path.read_bytes())


def pictures(run: Gathered, made: dict[str, Any], name: str) -> dict[str, charts.Spec]:
    """One model's charts, by the name that they have in every model's run."""
    found = {
        "roc": charts.roc({name: run.points("roc")[name]}),
        "precision_recall": charts.precision_recall({name: run.points("precision_recall")[name]}),
        "reliability": charts.reliability(run.metrics, [name]),
        "robustness": charts.robustness(run.metrics, [name]),
    }
    loss_and_accuracy = made["charts"]["history"].get(name, [])
    return found | dict(zip(("loss", "accuracy"), loss_and_accuracy, strict=False))


if __name__ == "__main__":
    run_stage(main, Params)
