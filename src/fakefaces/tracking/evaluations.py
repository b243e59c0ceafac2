"""What a model's evaluation logs: its metrics, and the files that they were computed from."""

from pathlib import Path
from typing import Any

from fakefaces.base.paths import Layout
from fakefaces.data.splits import read_split
from fakefaces.tracking.runs import Run

TRAINING_IMAGES = "seen.txt"  # lists the images that the model was trained or selected on


def training_images(images: Path) -> list[str]:
    """The sorted sha256 of the images outside of the test set.

    Args:
        images: the table ``outputs/images.csv``.
    """
    table = read_split(images)
    return sorted(table.loc[table["split"] != "test", "sha256"])


def log_evaluation(run: Run, layout: Layout, name: str, metrics: dict[str, Any], seed: int) -> None:
    """Log the metrics of ``reports/metrics/<model>.json``, with the digests of the model and of the test images.

    Args:
        run: of the evaluation.
        layout: paths of the outputs.
        name: of the model.
        metrics: the content of its file.
        seed: of the confidence intervals.
    """
    run.params({key: metrics[key] for key in ("weights", "threshold", "protocol", "rounds")})
    run.params({"model": name, "seed": seed})
    run.tag("model.digest", metrics["model_digest"])
    run.tag("test.digest", metrics["test_digest"])
    test = metrics["test"]
    sections = {"validation": metrics["validation"], "test": test["overall"], "test_matched": test["matched"]}
    sections |= {"test_paired": test["paired"], "operating": metrics["operating"].get("test", {})}
    sections |= {"test_reference": test["reference"], "explained": metrics["explained"]}
    sections |= {f"test_{row['transform']}_{row['level']:g}": row for row in metrics["robustness"] if row["transform"]}
    for section, values in sections.items():
        run.metrics({f"{section}_{key}": value for key, value in values.items() if isinstance(value, float | int)})
    for path in (layout.metrics(name), layout.scores(name), layout.corrupted_scores(name), layout.predictions):
        run.artifact(path)
    run.text("\n".join(training_images(layout.images)) + "\n", TRAINING_IMAGES)
    for path in (layout.reports / "results.md", layout.reports / "comparisons.csv"):
        run.artifact(path)
    run.log_outputs(layout.relative(layout.metrics(name)))
