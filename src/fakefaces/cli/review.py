"""``fakefaces review``."""

from pathlib import Path
from typing import Annotated

import typer

from fakefaces.base.leftovers import temporary_folder
from fakefaces.cli.arguments import Model, Threads, caution, detector_folder


def review(
    port: Annotated[int, typer.Option(min=1024, max=65535, help="On 127.0.0.1.")] = 8080,
    to: Annotated[Path, typer.Option(help="The folder that corrections are exported to.")] = Path("reviews"),
    model: Model = None,
    show: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    threads: Threads = 2,
) -> None:
    """Open a local page to review images with the champion and to correct its labels."""
    import socket

    from fakefaces.base.errors import FakefacesError
    from fakefaces.base.progress import echo

    try:
        from fakefaces.review.page import HOST, serve
    except ImportError:
        raise FakefacesError("the review page needs NiceGUI; install it with: uv sync --extra app") from None
    from fakefaces.explain.explained_detector import load
    from fakefaces.explain.explanation import explain_images
    from fakefaces.review.queue import Queue

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise FakefacesError(f"port {port} is in use; choose another one with --port") from None
    folder = detector_folder(model)
    caution(folder)
    detector = load(folder, threads=threads)
    metadata = detector.metadata
    with temporary_folder() as queue_folder:
        queue = Queue(
            lambda files: explain_images(detector, files, threads=threads), queue_folder, metadata.decision_threshold
        )
        echo(f"the review page is on http://{HOST}:{port}; stop it with Ctrl-C")
        serve(queue, metadata, exports=to, port=port, show=show)
