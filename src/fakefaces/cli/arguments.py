"""Arguments that several commands share: which detector, and the options about images."""

from pathlib import Path
from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.progress import echo
from fakefaces.base.schema import StageParams, read
from fakefaces.params.promote import Promote

Paths = Annotated[list[Path], typer.Argument(help="Images, or folders of images.", show_default=False)]
Model = Annotated[
    str | None,
    typer.Option(help="Another detector: a models:/ URI, or a trained model's folder.", show_default="the champion"),
]
FollowLinks = Annotated[bool, typer.Option("--follow-links", help="Follow links below a folder out of it.")]
Threads = Annotated[int, typer.Option(min=1, help="For decoding and inference.")]


class _Params(StageParams):
    promote: Promote


def detector_folder(model: str | None) -> Path:
    """The folder with ``detector.json``, a ``models:/`` URI's after a download, or for None the champion's."""
    from fakefaces.tracking.detectors import CHAMPION, fetch_detector

    if model and (Path(model) / "detector.json").is_file():
        return Path(model)
    if model and not model.startswith("models:/"):
        raise FakefacesError(f"{model}: neither a folder with a detector.json nor a models:/ URI")
    return fetch_detector(model or f"models:/{registered_name()}@{CHAMPION}")


def detector_by_name(model: str) -> Path:
    """The folder of ``champion``, of a model of ``params.yaml``, or of what :func:`detector_folder` takes."""
    from fakefaces.base.paths import Layout

    if model == "champion":
        return detector_folder(None)
    trained = Layout(environment.workspace()).model(model)
    for folder in (trained, trained / "fold0"):
        if "/" not in model and (folder / "detector.json").is_file():
            return folder
    return detector_folder(model)


def registered_name() -> str:
    """Read the registered model's name from ``params.yaml``."""
    return read(_Params, environment.workspace() / "params.yaml").promote.name


def caution(folder: Path) -> None:
    """Say what goes with every verdict of the detector in a folder, if there is anything."""
    from fakefaces.inference.metadata import read_metadata

    metadata = read_metadata(folder)
    if metadata.caution:
        echo(f"CAUTION {metadata.model}: {metadata.caution}")
