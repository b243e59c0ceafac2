"""``fakefaces serve``."""

from typing import Annotated

import typer

from fakefaces.cli.arguments import Threads, caution, registered_name


def serve(
    model: Annotated[
        str | None, typer.Option(help="Another registered model: a models:/ URI.", show_default="the champion")
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 for other machines to reach it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free port.")] = 5001,
    threads: Threads = 2,
) -> None:
    """Serve the champion over HTTP, by MLflow's scoring protocol."""
    from fakefaces.base.progress import echo
    from fakefaces.serving import server
    from fakefaces.tracking import detectors

    uri = model or f"models:/{registered_name()}@{detectors.CHAMPION}"
    folder = detectors.fetch_detector(uri)
    echo(f"loading {uri}")
    caution(folder)
    server.serve(folder, host, port, threads=threads)
