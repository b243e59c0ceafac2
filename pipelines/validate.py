"""Validate the images with Great Expectations; a critical failure stops the pipeline and names the files."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fakefaces.base.errors import DataError
from fakefaces.base.files import atomic_write, write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, waiting_for
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.computed import Computed, version_of
from fakefaces.data.photographs import other_files
from fakefaces.data.splits import MOSTLY_FACES, CvSplit, cv_splits, read_split
from fakefaces.evaluation.groups import with_slices
from fakefaces.params.evaluate import Evaluate
from fakefaces.params.split import Split
from fakefaces.params.validate import Validate
from fakefaces.validation.expectations import MAX_EXAMPLES, failures, validate_images
from fakefaces.validation.facts import image_facts
from fakefaces.validation.shortcuts import audit, fit_predict, rule_features


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    split: Split
    validate_: Validate = Field(alias="validate")
    evaluate: Evaluate


def main(params: Params, layout: Layout) -> None:
    split = read_split(layout.split)
    with_slices(split, params.evaluate.slices)  # an attribute that is missing is said now, and not after the trainings
    with Computed(layout.computed("validate"), version_of(layout, "validate", None)) as computed:
        facts, appearance = image_facts(layout.data, list(split["image"]), threads=params.threads, computed=computed)
    table = split.merge(facts, on="image", validate="one_to_one")
    readable = table["readable"].to_numpy(dtype=bool)
    accepted = table[readable].reset_index(drop=True)
    features = rule_features(accepted, appearance[readable])
    with waiting_for("the shortcut rules to be fitted"):
        shortcuts = audit(
            features, accepted["label"], accepted["group"], n_resamples=params.evaluate.n_resamples, seed=params.seed
        )
    with waiting_for("Great Expectations"), atomic_write(layout.reports / "data_docs") as docs:
        summary = validate_images(
            table,
            params.validate_,
            docs,
            shortcuts=shortcuts,
            groups_may_separate=params.split.protocol == "reference",
        )
    for line in failures(summary, "warning"):
        echo(f"WARNING {line}")
    if others := other_files(layout.data):
        more = f" and {len(others) - MAX_EXAMPLES} more" if len(others) > MAX_EXAMPLES else ""
        echo(f"no photographs, left out: {', '.join(f'data/{name}' for name in others[:MAX_EXAMPLES])}{more}")
    unreadable = table[~table["readable"]]
    for image, problem in zip(unreadable["image"], unreadable["problem"], strict=True):
        echo(f"unreadable: data/{image}: {problem}")
    if (accepted["faces"] == 0).mean() > 1 - MOSTLY_FACES:
        echo("most photographs show no face that is found: models read fixed regions of them, and score any image")
    damaged = accepted[accepted["damage"] != ""]
    for image, damage in zip(damaged["image"], damaged["damage"], strict=True):
        echo(f"without metadata: data/{image}: {damage}")
    if not summary["success"]:
        raise DataError(
            "\n  ".join(["the images fail validation:", *failures(summary, "critical")])
            + "\nRemove or repair these files, or change the rules in params.yaml: validate."
        )
    scores = [shortcut_scores(split, features, params.seed) for split in cv_splits(accepted)]
    accepted = accepted.drop(columns=["readable", "problem", "damage"])
    split_columns = [column for column in split if column != "image"]
    write_text(layout.facts, accepted.drop(columns=split_columns).to_csv(index=False))
    write_text(layout.images, accepted.to_csv(index=False))
    write_text(layout.shortcuts, pd.concat(scores).to_csv(index=False, float_format="%.8f"))
    write_json(layout.reports / "validation.json", summary)
    echo(f"{len(accepted)} of {len(table)} images accepted")


def shortcut_scores(split: CvSplit, features: dict[str, NDArray[np.float64]], seed: int) -> pd.DataFrame:
    """Fit each shortcut rule on the training images, and score the others."""
    labels, train = split.table["label"].to_numpy(), (split.table["split"] == "train").to_numpy(dtype=bool)
    scores = [
        split.unseen.assign(rule=rule, p_fake=fit_predict(values, labels, train, seed=seed)[~train])
        for rule, values in features.items()
    ]
    return pd.concat(scores)[["rule", "image", "split", "p_fake"]]


if __name__ == "__main__":
    run_stage(main, Params)
