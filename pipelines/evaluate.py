"""Turn scores into figures: on the test images, beside the reference's, without loading a model."""

from typing import Any

import pandas as pd
from sklearn.metrics import roc_curve

from fakefaces.base.files import write_json, write_text, written_aside
from fakefaces.base.layout import Layout
from fakefaces.base.params import Params
from fakefaces.base.progress import say
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import images_digest, read_split
from fakefaces.detector import read_card
from fakefaces.evaluation.metrics import classification_metrics
from fakefaces.evaluation.report import evaluate_scores, rounded
from fakefaces.report.results import results_markdown, results_table
from fakefaces.tracking.digests import digest
from fakefaces.tracking.runs import stage_run


def main(params: Params, layout: Layout) -> None:
    images = read_split(layout.images)
    metrics: dict[str, dict[str, Any]] = {}
    curves, predictions = {}, {}
    for name in params.train.models:
        card = read_card(layout.model(name))
        scored = images.merge(pd.read_csv(layout.scores(name)), on=["image", "split"], validate="one_to_one")
        validation, test = (scored[scored["split"] == split] for split in ("validation", "test"))
        metrics[name] = {
            "weights": card.weights,
            "parameters": card.parameters,
            "threshold": card.threshold,
            "protocol": params.split.protocol,
            "model_digest": digest(layout.model(name)),
            "test_digest": images_digest(test),
            "validation": rounded(classification_metrics(validation["label"], validation["p_fake"], card.threshold)),
            "test": evaluate_scores(
                test.assign(encoding=test["quantization"]),
                threshold=card.threshold,
                draws=params.evaluate.draws,
                seed=params.seed,
            ),
        }
        fpr, tpr, _ = roc_curve(test["label"], test["p_fake"])
        curves[name] = pd.DataFrame({"fpr": fpr, "tpr": tpr})
        named = {True: "fake", False: "real"}
        predictions[name] = pd.DataFrame(
            {
                "actual": (test["label"] == 1).map(named),
                "predicted": (test["p_fake"] >= card.threshold).map(named),
            }
        )
    table = results_table(metrics)
    with written_aside(layout.reports / "metrics") as folder:
        for name, found in metrics.items():
            write_json(folder / f"{name}.json", found)
    for kind, tables in (("roc", curves), ("confusion", predictions)):
        with written_aside(layout.reports / kind) as folder:
            for name, frame in tables.items():
                write_text(folder / f"{name}.csv", frame.to_csv(index=False, float_format="%.6f"))
    write_text(layout.reports / "results.csv", table.to_csv(index=False, float_format="%.6f"))
    write_text(layout.reports / "results.md", results_markdown(table))
    for name, found in metrics.items():
        log(layout, name, found)
    for name, auc, accuracy in zip(table["model"], table["roc_auc"], table["accuracy"], strict=True):
        say(f"{name:24} ROC AUC {auc:.3f}  accuracy {accuracy:.3f}")


def log(layout: Layout, name: str, found: dict[str, Any]) -> None:
    """Log one model's evaluation as a run that points at what it judged."""
    with stage_run(name, role="evaluate") as run:
        run.params({key: found[key] for key in ("weights", "threshold", "protocol")} | {"model": name})
        run.tag("model.digest", found["model_digest"])
        run.tag("test.digest", found["test_digest"])
        test = found["test"]
        parts = {"validation": found["validation"], "test": test["overall"], "test_matched": test["matched"]}
        for part, figures in (parts | {"test_reference": test["reference"]}).items():
            run.metrics({f"{part}_{key}": value for key, value in figures.items() if isinstance(value, float | int)})
        for path in (layout.metrics(name), layout.scores(name)):
            run.artifact(path)
        run.made(layout.relative(layout.metrics(name)))


if __name__ == "__main__":
    run_stage(main)
