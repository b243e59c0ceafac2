"""What batches are compared with: the project's images and the scores of those held out, or a batch that was good."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import read_split
from fakefaces.inference.file_facts import FACT_COLUMNS
from fakefaces.inference.metadata import GRAPH, DetectorMetadata, read_metadata
from fakefaces.monitoring.batches import COLUMNS, Batch

_REPRODUCE = "bring them with: dvc repro; or name a batch that was good with --reference"


@dataclass(frozen=True)
class Reference:
    """Photographs that a batch should look like."""

    name: str
    rows: pd.DataFrame  # with COLUMNS; without score where the detector was trained on the image
    unseen: pd.Series  # bool, for each row: no detector and no rule was trained on it
    training: pd.DataFrame  # facts and ``label`` of the training images, to which the shortcut rules are fitted


def batch_reference(layout: Layout, batch: Batch) -> Reference:
    """A batch that somebody knows to have been good; the shortcut rules are those of the project."""
    training = _images(layout)
    unseen = pd.Series(True, batch.rows.index)
    return Reference(batch.name, batch.rows, unseen, training[training["split"] == "train"])


def project_reference(layout: Layout, folder: Path) -> Reference:
    """The project's images: the facts of all, the scores of those that were held out from the training.

    Args:
        layout: of the project, with the outputs of ``validate`` and ``score``.
        folder: of the detector that scored the batches.

    Raises:
        DataError: these outputs are missing, or are of another detector.
    """
    metadata, images = read_metadata(folder), _images(layout)
    scores = _scores(layout, folder, metadata)
    rows = images.merge(scores, on="image", how="left", validate="one_to_one")
    unseen = rows["p_fake"].notna()
    faceless = (rows["faces"] == 0) & metadata.needs_face
    p_fake = rows["p_fake"].where(~faceless)
    known = p_fake.notna()
    table = pd.DataFrame(
        {
            "path": rows["image"],
            "p_fake": p_fake,
            "label": [metadata.label(p) if k else None for p, k in zip(p_fake, known, strict=True)],
            "unsure": [metadata.unsure(p) if k else None for p, k in zip(p_fake, known, strict=True)],
            "faces": rows["faces"] if metadata.needs_face else np.nan,
            "problem": faceless.map({True: "no_face", False: None}),
            **{f"p_{part}": rows[f"p_{part}"].where(~faceless) for part in PARTS if f"p_{part}" in rows},
            **{name: values.where(~faceless) for name, values in _unfamiliar(rows).items()},
            **{name: rows[name] for name in FACT_COLUMNS},
        }
    ).reindex(columns=list(COLUMNS))
    return Reference(f"{metadata.model}: outputs/images.csv", table, unseen, images[images["split"] == "train"])


def _unfamiliar(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """What is unfamiliar, and how unlike it is; nothing where the detector has not learned it."""
    if "unfamiliar" not in rows:
        return {}
    return {"unfamiliar": rows["unfamiliar"].map({1: True, 0: False}), "unfamiliarity": rows["unfamiliarity"]}


def _images(layout: Layout) -> pd.DataFrame:
    """The accepted images, each once."""
    if not layout.images.is_file():
        raise DataError(f"outputs/{layout.images.name}: missing; {_REPRODUCE}")
    return read_split(layout.images).drop_duplicates("image", ignore_index=True)


def _scores(layout: Layout, folder: Path, metadata: DetectorMetadata) -> pd.DataFrame:
    """The scores of images that the detector, or with cross-validation that of the image's fold, was not trained on."""
    path, name = layout.scores(metadata.model), metadata.model
    models = [layout.model(name), layout.detector(name, 0, 2)]
    trained = next((model / GRAPH for model in models if (model / GRAPH).is_file()), None)
    if not path.is_file() or trained is None:
        raise DataError(f"outputs/scores/{name}.csv, outputs/models/{name}: missing; {_REPRODUCE}")
    if trained.read_bytes() != (folder / GRAPH).read_bytes():
        raise DataError(
            f"outputs/scores/{name}.csv: of another training than the model that scored; {_REPRODUCE}, or with --model "
            "the model that scored"
        )
    scores = pd.read_csv(path).rename(columns={part: f"p_{part}" for part in PARTS})
    once = scores["split"].eq("test") if scores["image"].duplicated().any() else pd.Series(True, scores.index)
    return scores[once].drop(columns="split").drop_duplicates("image")
