"""A set that predictions are evaluated on: its images, the scores of the shortcut rules, and the settings."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import Field

from fakefaces.base.errors import DataError
from fakefaces.base.paths import Layout
from fakefaces.base.schema import Count, Schema, Share
from fakefaces.data.faces import PARTS
from fakefaces.data.splits import SLICE, cv_splits, read_split
from fakefaces.evaluation.groups import with_slices
from fakefaces.evaluation.source_pairs import match_sources
from fakefaces.params.file import load

COLUMNS = ("sha256", "image", "label", "difficulty", *PARTS, "group", "encoding", "source")


class Settings(Schema):
    """What every row of a benchmark is evaluated with."""

    protocol: str = Field(description="Of the split: grouped, folds or reference.")
    n_resamples: int = Field(ge=100, description="Of the bootstrap.")
    seed: int = Field(ge=0, lt=2**32)
    max_fpr: Share = Field(description="False-positive rate of the operating point, chosen on validation.")
    max_fnr: Share | None = None
    threshold: float = Field(ge=0, le=1, description="Of accuracy where nothing chose another one.")
    n_splits: Count = Field(description="Folds; 1 where each image is in one split.")


@dataclass(frozen=True, eq=False)
class BenchmarkSet:
    """Images with what is known of them, none of them a photograph's pixels.

    ``images`` has :data:`COLUMNS` of all images: ``image`` is a unique name; ``label`` 1 is fake; the parts are 1, 0 or
    missing; images of one photograph share ``group``; ``source`` is the real that a fake was made from, or missing.
    A project has ``slice_<attribute>``, too, for each of ``evaluate.slices``; a published set says nothing of them.
    With folds it has ``fold`` and ``validates``, as :func:`fakefaces.data.splits.cv_splits` reads them, else ``split``.

    ``rules`` has ``rule``, ``image``, ``split`` (validation or test) and ``p_fake``, by a rule that was fitted on the
    training images.
    """

    images: pd.DataFrame
    rules: pd.DataFrame
    settings: Settings

    def images_of(self, split: str) -> set[str]:
        """The names of the images that are in a split, of any fold."""
        tables = [fold.table for fold in cv_splits(self.images)]
        return {str(image) for table in tables for image in table["image"][table["split"] == split]}


def project_set(root: Path) -> tuple[BenchmarkSet, pd.DataFrame]:
    """The set of a project in which the pipeline has run, and its pairs of near-duplicates (``a``, ``b``, ``inliers``).

    Raises:
        DataError: the pipeline has not run.
    """
    layout = Layout(root)
    for path in (layout.images, layout.duplicate_pairs, layout.shortcuts):
        if not path.is_file():
            raise DataError(
                f"{layout.relative(path)} is missing: no pipeline has run here; run: make repro, or name a published "
                "set: --set FOLDER"
            )
    params = load(root / "params.yaml")
    images = read_split(layout.images)
    pairs = pd.read_csv(layout.duplicate_pairs, dtype={"a": "str", "b": "str"})
    source = match_sources(images, pairs, min_inliers=params.evaluate.source_inliers)
    images = with_slices(images, params.evaluate.slices).assign(encoding=images["quantization"], source=source)
    groups = [name for name in map(str, images.columns) if name.startswith(SLICE)]
    splits = ("fold", "validates") if "fold" in images else ("split",)
    settings = Settings(
        protocol=params.split.protocol,
        n_resamples=params.evaluate.n_resamples,
        seed=params.seed,
        max_fpr=params.evaluate.max_fpr,
        max_fnr=params.evaluate.max_fnr,
        threshold=params.train.threshold,
        n_splits=len(cv_splits(images)),
    )
    known = set(images["image"])
    pairs = pairs[pairs["a"].isin(known) & pairs["b"].isin(known)][["a", "b", "inliers"]]
    return BenchmarkSet(images[[*COLUMNS, *groups, *splits]], pd.read_csv(layout.shortcuts), settings), pairs
