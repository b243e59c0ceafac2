"""The predictions of a stranger's model: a table of images and scores, matched with the images of a set."""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.base.names import on_one_line, shown
from fakefaces.benchmark.benchmark_set import BenchmarkSet
from fakefaces.ingest.delimited import Delimited, choose_column, read_delimited
from fakefaces.ingest.layouts import split_of

_IMAGES = (
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image_path",
    "img",
    "img_path",
    "name",
    "id",
)
_SCORES = ("p_fake", "probability", "prob", "prediction", "pred", "fake_probability", "prob_fake", "fake", "y_score")
_MAX_FAULTS = 10  # that a message names


@dataclass(frozen=True)
class Columns:
    """What a person says about a table; "" where the table is to tell."""

    image: str = ""
    score: str = ""


@dataclass(frozen=True)
class Predictions:
    """Scores of images of a set."""

    scores: pd.DataFrame  # image, its name in the set; split, validation or test; p_fake, in [0, 1]
    notes: list[str] = field(default_factory=list)  # how the table was understood, and what was left out of it


def read_predictions(path: Path, benchmark: BenchmarkSet, columns: Columns | None = None) -> Predictions:
    """Read a table of scores with a header line.

    An image is named by the sha256 of its file, which is the safe way, or by its path or name. A column ``split`` tells
    scores of validation images from those of test images; without one, an image counts as what the set says it is.

    Args:
        path: of the CSV.
        benchmark: the set.
        columns: the names of the columns of the image and the score, where they are not usual ones.

    Raises:
        DataError: it cannot be read, or a row names no image of the set, one that an earlier row has named, or has no
            score between 0 and 1; the first faults with their lines.
    """
    columns = columns or Columns()
    file = read_delimited(path, "sha256,score")
    image_column, score_column = _image_column(path, file, columns), _score_column(path, file, columns)
    split_column = next((name for name in file.names if name.strip().lower() == "split"), "")
    if not file.rows:
        raise DataError(f"{shown(path)}: no row in it; one for each image is expected")
    find, split_for = _Finder(benchmark.images), _Splits(benchmark)
    faults, rows, lines = list[str](), list[tuple[str, str, float]](), dict[tuple[str, str], int]()
    for line, row in file.rows:
        written, score = row[image_column].strip(), _score(row[score_column])
        images = find(written)
        if isinstance(images, _Fault):
            faults.append(f"line {line}: {on_one_line(written) or '(empty)'}: {images.reason}")
            continue
        if isinstance(score, _Fault):
            faults.append(f"line {line}: {score_column}: {score.reason}")
            continue
        for image in images:
            split = split_for(image, row[split_column] if split_column else "")
            if (first := lines.setdefault((image, split), line)) != line:
                faults.append(f"line {line}: {on_one_line(written)}: line {first} has a score of the same image")
            rows.append((image, split, score))
    if faults:
        more = len(faults) - _MAX_FAULTS
        named = [*faults[:_MAX_FAULTS], *([f"and {more} more"] if more > 0 else [])]
        raise DataError("\n  ".join([f"{shown(path)}: {len(faults)} of {len(file.rows)} rows cannot be used:", *named]))
    notes = [note] if (note := file.note()) else []
    notes.append(f"images are in the column {image_column}, scores of fake in {score_column}")
    if find.by_name:
        notes.append(f"{find.by_name} images are matched by name, not by content; a column sha256 would be safe")
    scores = pd.DataFrame(rows, columns=["image", "split", "p_fake"])
    unseen = scores[scores["split"] != "train"].reset_index(drop=True)
    if others := len(scores) - len(unseen):
        notes.append(f"{others} scores are left out: this set trains on these images")
    if not (unseen["split"] == "test").any():
        raise DataError(f"{shown(path)}: none of the scored images is a test image of this set")
    return Predictions(unseen, notes)


class _Splits:
    """The split that a score is of: what the table says, where the set has the image there, else the set's own."""

    def __init__(self, benchmark: BenchmarkSet):
        self._members = {name: benchmark.images_of(name) for name in ("test", "validation")}

    def __call__(self, image: str, written: str) -> str:
        """One of train, validation and test."""
        own = [name for name, images in self._members.items() if image in images]
        said = split_of(written)
        return said if said in own or said == "train" else "train" if said or not own else own[0]


@dataclass(frozen=True)
class _Fault:
    """Why a cell cannot be used."""

    reason: str


class _Finder:
    """Finds the images that rows name; ``by_name`` counts those that were not named by their digest."""

    def __init__(self, images: pd.DataFrame):
        self.by_name = 0
        self._by_digest: dict[str, list[str]] = defaultdict(list)  # copies have one digest
        self._by_last: dict[str, list[str]] = defaultdict(list)
        for digest, image in zip(images["sha256"], images["image"], strict=True):
            self._by_digest[digest].append(image)
            self._by_last[image.rpartition("/")[2]].append(image)

    def __call__(self, written: str) -> list[str] | _Fault:
        """The names of the images in the set."""
        if images := self._by_digest.get(written.lower()):
            return images
        path = written.replace("\\", "/")
        named = self._by_last.get(path.rpartition("/")[2], [])
        longest = [name for name in named if f"/{path}".endswith(f"/{name}")] or named
        if len(longest) == 1:
            self.by_name += 1
            return longest
        if not longest:
            return _Fault("no image of this set has this sha256 or name")
        return _Fault(f"{len(longest)} images of this set have this name; name it by its sha256")


def _score(text: str) -> float | _Fault:
    """A score between 0 and 1."""
    if not text.strip():
        return _Fault("it is empty; leave out the row of an image that has no score")
    try:
        score = float(text)
    except ValueError:
        return _Fault(f"'{on_one_line(text)}' is no number")
    if math.isnan(score):
        return _Fault("NaN; leave out the row of an image that has no score")
    if not 0 <= score <= 1:
        return _Fault(f"{score:g} is not between 0 and 1; the probability of fake is expected, 1 / (1 + exp(-logit))")
    return score


def _image_column(path: Path, file: Delimited, columns: Columns) -> str:
    digests = [name for name in file.names if name.strip().lower() == "sha256"]
    return (
        digests[0]
        if digests and not columns.image
        else choose_column(path, file.names, "image", columns.image, _IMAGES)
    )


def _score_column(path: Path, file: Delimited, columns: Columns) -> str:
    ours = [name for name in file.names if name.strip().lower() == "p_fake"]
    return ours[0] if ours and not columns.score else choose_column(path, file.names, "score", columns.score, _SCORES)
