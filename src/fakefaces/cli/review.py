"""``fakefaces review``."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.leftovers import temporary_folder
from fakefaces.cli.arguments import FollowLinks, Model, Threads, caution, detector_folder


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
) -> None:
    """Open a local page to review images with the champion and to correct its labels."""
    from fakefaces.cli.listing import image_files
    from fakefaces.explain.explained_detector import load
    from fakefaces.explain.explanation import explain_images
    from fakefaces.review.arrivals import Arrivals
    from fakefaces.review.base_rate import error_rates
    from fakefaces.review.labels import Labels, reviewer_name
    from fakefaces.review.queue import Queue
    from fakefaces.review.review import Review
    from fakefaces.review.server import HOST, serve
    from fakefaces.web.connections import listener

    person = reviewer_name(_login() if reviewer is None else reviewer)
    with listener(HOST, port) as bound, temporary_folder() as uploads:
        files = image_files(paths, follow_links=follow_links) if paths else []
        folder = detector_folder(model)
        journal = Labels(labels or to / "labels.db")
        caution(folder)
        detector = load(folder, threads=threads)
        queue = Queue(lambda images: explain_images(detector, images, threads=threads), uploads)
        arrivals = Arrivals(queue, files)
        rates = error_rates(detector.metadata, _project())
        serve(Review(queue, arrivals, journal, detector.metadata, to, person, rates), bound, show=show)


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
