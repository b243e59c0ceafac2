"""``fakefaces score``."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fakefaces.cli.arguments import Model, caution, caution_of_batch, fetched
from fakefaces.cli.model_names import model_source

if TYPE_CHECKING:
    from fakefaces.scoring.model import Model as ScoringModel


class EngineName(StrEnum):
    """What scores."""

    LOCAL = "local"
    SPARK = "spark"


def score(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A folder, a glob, a CSV or Parquet list of paths or addresses, a Parquet table of images, or an "
            "address such as s3://bucket/folder. With --verify, the OUTPUT of before.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str | None,
        typer.Argument(
            metavar="OUTPUT",
            help="A folder or an address for Parquet: new, or of an earlier start.",
            show_default=False,
        ),
    ] = None,
    model: Model = None,
    engine: Annotated[EngineName, typer.Option(help="Processes of this machine, or Spark.")] = EngineName.LOCAL,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes of this machine.", show_default="its processors")
    ] = None,
    part_size: Annotated[int | None, typer.Option(min=1, help="Images in a part.", show_default="1000")] = None,
    column: Annotated[
        str | None,
        typer.Option(help="Of a list or a table.", show_default="path or url; or the only column of bytes"),
    ] = None,
    master: Annotated[str | None, typer.Option(help="Spark's master.", show_default="local, with --jobs")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check a finished OUTPUT, and score a sample of its images again.")
    ] = False,
) -> None:
    """Score any number of images into a folder of Parquet. Started again, it goes on where it was ended."""
    if verify:
        if output is not None:
            raise typer.BadParameter("--verify takes one argument: fakefaces score --verify OUTPUT")
        _verify(source, model)
        return
    if output is None:
        raise typer.BadParameter("OUTPUT is missing: fakefaces score INPUT OUTPUT")
    from fakefaces.base.progress import echo
    from fakefaces.scoring import local
    from fakefaces.scoring.inputs import find_inputs
    from fakefaces.scoring.run import run
    from fakefaces.scoring.storage import Storage

    model_source(model)  # a misspelled name is said before a large input is listed
    storage, inputs = Storage(output), find_inputs(source, column)
    detector, folder = _model(model)
    workers = jobs or local.processors()
    if engine is EngineName.SPARK:
        from fakefaces.scoring import spark

        scores = partial(spark.run, model=detector, master=master or f"local[{workers},4]")
    else:
        scores = partial(local.run, load=detector.load, jobs=workers)
    try:
        manifest = run(storage, inputs, detector, scores, engine, part_size)
    except KeyboardInterrupt:  # of which Typer would not say a word
        echo("interrupted; run the same command again to resume")
        raise typer.Exit(130) from None
    caution_of_batch(folder, manifest.counts)
    echo(f"{storage}: {manifest.images:,} images: {manifest.counts}")


def _model(model: str | None) -> "tuple[ScoringModel, Path]":
    """The detector, and its folder."""
    from fakefaces.scoring.model import identify

    source = model_source(model)
    folder = fetched(source)
    caution(folder)
    return identify(folder, None if isinstance(source, Path) else source), folder


def _verify(output: str, model: str | None) -> None:
    from fakefaces.base.progress import echo
    from fakefaces.scoring.storage import Storage
    from fakefaces.scoring.verify import finished_job, verify

    job, manifest = finished_job(Storage(output))
    done = verify(job, manifest, _model(model or manifest.model.source)[0])
    if done.unread:
        echo(f"{len(done.unread)} images of the sample cannot be read again: {', '.join(done.unread)}")
    echo(f"{job.storage}: {done.images:,} images have a row each: {done.counts}; {done.again} scored again, and agree")
