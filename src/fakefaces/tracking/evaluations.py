"""A model's evaluation as a run: its figures, and the files that it judged by."""

from pathlib import Path
from typing import Any

from fakefaces.base.paths import Layout
from fakefaces.data.splits import read_split
from fakefaces.tracking.runs import Run

TRAINING_IMAGES = "seen.txt"  # the images that the model was trained or chosen on


def seen_images(images: Path) -> list[str]:
    """The sha256 of the images outside of the test set, in order.

    Args:
        images: the table ``outputs/images.csv``.
    """
    table = read_split(images)
    return sorted(table.loc[table["split"] != "test", "sha256"])


def log_evaluation(run: Run, layout: Layout, name: str, found: dict[str, Any], seed: int) -> None:
    """Log what stands in ``reports/metrics/<model>.json``, as a run that points at the model and the images.

    Args:
        run: of the evaluation.
        layout: where the files lie.
        name: of the model.
        found: its figures.
        seed: of the intervals.
    """
    run.params({key: found[key] for key in ("weights", "threshold", "protocol", "rounds")})
    run.params({"model": name, "seed": seed})
    run.tag("model.digest", found["model_digest"])
    run.tag("test.digest", found["test_digest"])
    test = found["test"]
    parts = {"validation": found["validation"], "test": test["overall"], "test_matched": test["matched"]}
    parts |= {"test_paired": test["paired"], "operating": found["operating"].get("test", {})}
    parts |= {"test_reference": test["reference"], "explained": found["explained"]}
    parts |= {f"test_{row['transform']}_{row['level']:g}": row for row in found["robustness"] if row["transform"]}
    for part, figures in parts.items():
        run.metrics({f"{part}_{key}": value for key, value in figures.items() if isinstance(value, float | int)})
    for path in (layout.metrics(name), layout.scores(name), layout.corrupted_scores(name), layout.predictions):
        run.artifact(path)
    run.mlflow.log_text("\n".join(seen_images(layout.images)) + "\n", TRAINING_IMAGES)
    for path in (layout.reports / "results.md", layout.reports / "comparisons.csv"):
        run.artifact(path)
    run.log_outputs(layout.relative(layout.metrics(name)))
