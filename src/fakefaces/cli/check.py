"""``fakefaces check``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from fakefaces.base import environment


def check(
    file: Annotated[Path | None, typer.Argument(help="The file.", show_default="the project's params.yaml")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of params.yaml instead.")] = False,
) -> None:
    """Check params.yaml: keys, values, and references from one section to another."""
    from fakefaces.preflight.check import check as check_params
    from fakefaces.preflight.json_schema import json_schema

    if schema:
        print(json.dumps(json_schema(), indent=2))
    else:
        print(check_params(file or environment.workspace() / "params.yaml"))
