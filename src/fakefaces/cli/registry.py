"""``fakefaces registry``."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from fakefaces.cli.chosen import registered_name


def registry(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    last: Annotated[int, typer.Option(min=1, help="Entries of the history.")] = 20,
) -> None:
    """Show the registered model: its versions, their aliases, and what was decided when."""
    from fakefaces.registry.store import Registry

    found = Registry(registered_name())
    versions, history = [shown(version) for version in found.versions()], found.history()
    if as_json:
        print(json.dumps({"name": found.name, "versions": versions, "history": [vars(one) for one in history]}))
        return
    if not versions:
        print(f"{found.name}: no version yet; train and promote one with: dvc repro")
        return
    tables(found.name, versions, [vars(one) for one in history[-last:]], len(history))


def shown(version: Any) -> dict[str, Any]:
    """A version with what its tags say, for a table or as JSON."""
    tags = version.tags
    figures = {name: float(value) for name, value in tags.items() if name.split(".")[0] in ("validation", "test")
               and name != "test.digest"}  # fmt: skip
    return {
        "version": version.number,
        "aliases": version.aliases,
        "model": tags.get("model"),
        "created": datetime.fromtimestamp(version.created / 1000, UTC).strftime("%Y-%m-%d %H:%M"),
        "figures": figures,
        "threshold": float(tags["operating.threshold"]) if "operating.threshold" in tags else None,
        "test_digest": tags.get("test.digest"),
        "outcome": tags.get("decision.outcome"),
        "against": tags.get("decision.against"),
        "run": version.run_id,
    }


def tables(name: str, versions: list[dict[str, Any]], history: list[dict[str, Any]], entries: int) -> None:
    """Print both tables."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    figures = sorted({key for version in versions for key in version["figures"]}, reverse=True)
    table = Table(title=name, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("version", "alias", "model", *figures, "fake from", "registered (UTC)", "run"):
        right = column in ("version", "fake from", *figures)
        table.add_column(column.replace(".", "\n"), justify="right" if right else "left", no_wrap=True)
    for one in versions:
        values = [number(one["figures"].get(key)) for key in figures]
        table.add_row(
            str(one["version"]),
            ", ".join(one["aliases"]),
            one["model"] or "",
            *values,
            number(one["threshold"]),
            one["created"],
            one["run"][:8],
        )
    console.print(table)
    past = Table(title=f"\nhistory ({entries})", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("when (UTC)", "version", "became", "before", "by", "why"):
        right = column in ("version", "before")
        past.add_column(column, justify="right" if right else "left", no_wrap=column != "why")
    for entry in history:
        before = "" if entry["before"] is None else str(entry["before"])
        when = entry["at"][:19].replace("T", " ")
        past.add_row(when, str(entry["version"]), entry["action"], before, entry["by"], entry["reason"])
    console.print(past)


def number(value: float | None) -> str:
    """Four digits, or nothing."""
    return "" if value is None else f"{value:.4f}"
