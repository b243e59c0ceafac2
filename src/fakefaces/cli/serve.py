"""``fakefaces serve``."""

from pathlib import Path
from typing import Annotated

import typer

from fakefaces.cli.arguments import Model, Poll, Shadow, ShadowShare, Threads, caution, fetched
from fakefaces.cli.model_names import model_source


def serve(
    model: Model = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 for other machines to reach it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free port.")] = 5001,
    threads: Threads = 2,
    poll: Poll = 30,
    shadow: Shadow = None,
    shadow_share: ShadowShare = 0.1,
    shadow_log: Annotated[Path, typer.Option(help="The file of both scores.")] = Path("shadow.jsonl"),
) -> None:
    """Serve the champion over HTTP, by MLflow's scoring protocol, and its successors when there are some."""
    from fakefaces.base.progress import echo
    from fakefaces.cli.following import Alias, checked, is_alias
    from fakefaces.inference import detector
    from fakefaces.monitoring.shadow import Shadow
    from fakefaces.provenance import signatures
    from fakefaces.serving.server import Records, serve
    from fakefaces.web.connections import listener
    from fakefaces.web.deployed import Deployed, Follower

    with listener(host, port) as bound:
        source, challenger = model_source(model), detector.load(fetched(model_source(shadow))) if shadow else None
        records = Records(Shadow(challenger, shadow_log, shadow_share) if challenger else None)
        echo(f"loading {source}")
        if not is_alias(source):
            folder = fetched(source)
            if isinstance(source, Path):  # of a registered one fetched() has verified it
                signatures.verify(folder.resolve().parents[1], str(source))
            caution(folder)
            serve(Deployed(detector.load(folder), str(source)), bound, threads=threads, records=records)
            return
        alias = Alias(str(source))
        uri = alias()
        caution(fetched(uri))
        deployed = Deployed(checked(uri, detector.load), uri)
        follower = Follower(deployed, alias.uri, alias, lambda uri: checked(uri, detector.load), poll, records.changed)
        serve(deployed, bound, threads=threads, records=records, follower=follower if poll else None)
