"""Arguments that several commands share: which detector, and the options about images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fakefaces.base.progress import echo
from fakefaces.cli.model_names import HELP, complete_model, model_source

if TYPE_CHECKING:
    from fakefaces.scoring.counts import Counts

Paths = Annotated[list[Path], typer.Argument(help="Images, or folders of images.", show_default=False)]
Model = Annotated[
    str | None,
    typer.Option(help=f"Another model: {HELP}.", show_default="the champion", autocompletion=complete_model),
]
FollowLinks = Annotated[bool, typer.Option("--follow-links", help="Follow links below a folder out of it.")]
Threads = Annotated[int, typer.Option(min=1, help="For decoding and inference.")]


def detector_folder(model: str | None) -> Path:
    """The folder with ``detector.json`` of a model, after a download where it is registered or logged.

    Args:
        model: as :data:`fakefaces.cli.model_names.HELP` says; None for the champion.

    Raises:
        FakefacesError: there is no such model, or it cannot be fetched.
    """
    return fetched(model_source(model))


def fetched(source: Path | str) -> Path:
    """The folder of what :func:`fakefaces.cli.model_names.model_source` names."""
    from fakefaces.tracking.detectors import fetch_detector

    return source if isinstance(source, Path) else fetch_detector(source)


def caution_of_batch(folder: Path, counts: "Counts") -> None:
    """Say where a batch is unlike what the detector in a folder has learned from."""
    from fakefaces.evaluation.unlike import unlike
    from fakefaces.inference.metadata import read_metadata

    familiar = read_metadata(folder).familiar
    if familiar is None or counts.unfamiliar is None:
        return
    if sentence := unlike(counts.fake + counts.real, counts.unfamiliar, familiar.left_out, familiar.refused):
        echo(f"WARNING {sentence}")


def caution(folder: Path) -> None:
    """Say what goes with every verdict of the detector in a folder, if there is anything."""
    from fakefaces.inference.metadata import read_metadata

    metadata = read_metadata(folder)
    if metadata.caution:
        echo(f"CAUTION {metadata.model}: {metadata.caution}")
