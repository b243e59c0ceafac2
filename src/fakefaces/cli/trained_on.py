"""Images that the models of this project know already: their scores do not show what a model does with new ones."""

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError, ImageError
from fakefaces.base.names import on_one_line, printable
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo

_NAMED = 3  # files that the warning names


def warn_of_training_images(files: Sequence[Path]) -> None:
    """Say which of the files have the content of a training or validation image of this project, if any has."""
    known = _training_digests()
    if not known:
        return
    names = [on_one_line(printable(path.name)) for path in files if _digest(path) in known]
    if names:
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        echo(
            f"WARNING {len(names):,} of {len(files):,} are images that this project trains its models on or chooses "
            f"their thresholds by ({', '.join(names[:_NAMED])}{more}): these scores say nothing about new photographs"
        )


def _training_digests() -> set[str]:
    """The sha256 of all images but those that only test; of all with cross-validation, where each trains once."""
    try:
        with Layout(environment.workspace()).images.open(newline="", encoding="utf-8") as table:
            return {row["sha256"] for row in csv.DictReader(table) if row.get("split") != "test"}
    except (FakefacesError, OSError, ValueError, KeyError, csv.Error):  # no project, or another's table
        return set()


def _digest(path: Path) -> str:
    from fakefaces.data import images

    try:
        return hashlib.sha256(images.read(path)).hexdigest()
    except ImageError:
        return ""
