"""``fakefaces review``."""

import getpass
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.leftovers import temporary_folder
from fakefaces.cli.arguments import FollowLinks, Model, Poll, Threads, caution, fetched
from fakefaces.cli.model_names import model_source


def review(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Images, or folders of images, to begin with; the page takes more.", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 for any free port.")] = 8080,
    to: Annotated[Path, typer.Option(help="The folder that corrections are exported to.")] = Path("reviews"),
    labels: Annotated[
        Path | None,
        typer.Option(help="The file that labels are kept in; several may share it.", show_default="labels.db in --to"),
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option(help="Who labels; the page can change it.", show_default="the user's login name")
    ] = None,
    model: Model = None,
    show: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    threads: Threads = 2,
    follow_links: FollowLinks = False,
    poll: Poll = 30,
) -> None:
    """Open a local page to review images with the champion and to correct its labels."""
    from fakefaces.base.progress import echo
    from fakefaces.cli.following import Alias, checked, is_alias
    from fakefaces.cli.listing import image_files
    from fakefaces.explain.explained_detector import ExplainedDetector, load
    from fakefaces.explain.explanation import explain_images
    from fakefaces.explain.heatmap_process import HeatmapProcess
    from fakefaces.provenance.credentials import CredentialsReader
    from fakefaces.review.arrivals import Arrivals
    from fakefaces.review.base_rate import error_rates
    from fakefaces.review.labels import Labels, reviewer_name
    from fakefaces.review.queue import Queue
    from fakefaces.review.review import Review
    from fakefaces.review.server import HOST, serve
    from fakefaces.web.connections import listener
    from fakefaces.web.deployed import Change, Deployed, Follower, Kind

    person = reviewer_name(_login() if reviewer is None else reviewer)
    with (
        listener(HOST, port) as bound,
        temporary_folder() as uploads,
        CredentialsReader() as reader,
        HeatmapProcess(threads=threads) as draw,
    ):
        files = image_files(paths, follow_links=follow_links) if paths else []
        source = model_source(model)
        alias = Alias(str(source)) if is_alias(source) else None
        uri = alias() if alias else str(source)
        folder = fetched(uri if alias else source)
        journal = Labels(labels or to / "labels.db")
        caution(folder)

        def checked_version(uri: str) -> ExplainedDetector:
            return checked(uri, lambda folder, version: replace(load(folder, threads=threads), version=version))

        deployed = Deployed(checked_version(uri) if alias else load(folder, threads=threads), uri)
        queue = Queue(
            lambda images: explain_images(deployed.current.value, images, threads=threads, draw=draw),
            uploads,
            reader.read,
        )
        first, project = deployed.current.value, _project()
        review = Review(queue, Arrivals(queue, files), journal, first.metadata, to, person, deployed=deployed)
        review.use(first.metadata, first.version, error_rates(first.metadata, project))

        def changed(change: Change) -> None:
            echo(str(change))
            if change.kind == Kind.SWITCHED:
                now = deployed.current.value
                review.use(now.metadata, now.version, error_rates(now.metadata, project))

        if alias and poll:
            review.follower = Follower(deployed, alias.uri, alias, checked_version, poll, changed)
        serve(review, bound, show=show)


def _project() -> Path:
    try:
        return environment.workspace()
    except FakefacesError:  # a detector's folder is enough
        return Path()


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry in the system's table, as in a container
        return "reviewer"
