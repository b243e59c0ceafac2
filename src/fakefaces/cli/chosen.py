"""What several commands ask for: which images, which model."""

from pathlib import Path
from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import DataError, FakefacesError

# A command's option ``--model``.
Model = Annotated[
    str | None,
    typer.Option(help="Another model: a models:/ URI, or the folder of a trained one.", show_default="the champion"),
]


def image_files(paths: list[Path]) -> list[Path]:
    """The files to score: those named, and in folders those with an image's suffix."""
    from fakefaces.data.images import SUFFIXES

    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            if not inside:
                raise DataError(f"{path}: no image in this folder ({', '.join(SUFFIXES)})")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"{path}: there is no such file or folder")
    return found


def detector_folder(model: str | None) -> Path:
    """The folder of the detector that a user named, or of the champion.

    Args:
        model: a folder with a ``detector.json``, a ``models:/`` URI, or None.

    Raises:
        FakefacesError: it is neither.
    """
    from fakefaces.tracking.detectors import CHAMPION, fetch

    if model and (Path(model) / "detector.json").is_file():
        return Path(model)
    if model and ":/" not in model:
        raise FakefacesError(f"{model}: neither a folder with a detector.json nor a models:/ URI")
    return fetch(model or f"models:/{registered_name()}@{CHAMPION}")


def any_detector(model: str) -> Path:
    """The folder of a detector: as :func:`detector_folder`, or of ``champion``, or of a model by its name.

    Raises:
        FakefacesError: it is none of these.
    """
    from fakefaces.base.paths import Layout

    if model == "champion":
        return detector_folder(None)
    trained = Layout(environment.workspace()).model(model)
    for folder in (trained, trained / "fold0"):
        if "/" not in model and (folder / "detector.json").is_file():
            return folder
    return detector_folder(model)


def registered_name() -> str:
    """The registered model's name, as ``params.yaml`` has it."""
    from fakefaces.params.file import load

    return load(environment.workspace() / "params.yaml").promote.name
