"""``fakefaces serve``."""

from typing import Annotated

import typer

from fakefaces.cli.arguments import Model, Threads, caution, fetched
from fakefaces.cli.model_names import model_source


def serve(
    model: Model = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 for other machines to reach it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free port.")] = 5001,
    threads: Threads = 2,
) -> None:
    """Serve the champion over HTTP, by MLflow's scoring protocol."""
    from fakefaces.base.progress import echo
    from fakefaces.serving import server

    source = model_source(model)
    folder = fetched(source)
    echo(f"loading {source}")
    caution(folder)
    server.serve(folder, host, port, threads=threads)
