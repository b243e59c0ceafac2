"""``fakefaces registry``."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fakefaces.cli.model_names import registered_name

if TYPE_CHECKING:
    from fakefaces.registry.store import Version

_NUMBERS = ("version", "before")  # columns


def registry(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    last: Annotated[int, typer.Option(min=1, help="Entries of the history, at most.")] = 20,
) -> None:
    """List the versions of the registered model with their aliases, and the history of promotions."""
    from rich.table import Table

    from fakefaces.cli.tables import print_columns, print_table
    from fakefaces.registry.store import Registry
    from fakefaces.tracking.unpromoted import how_to_promote

    registered = Registry(registered_name(), create=False)
    versions = [describe(version) for version in registered.versions()]
    history = registered.history()
    if as_json:
        events = [vars(event) for event in history]
        print(json.dumps({"name": registered.name, "versions": versions, "history": events}))
        return
    if not versions:
        print(f"{registered.name}: no version yet; {how_to_promote()}")
        return
    print_columns(_version_columns(versions), title=registered.name)
    print(f"\nhistory ({len(history)})")
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("when (UTC)", "version", "became", "before", "by", "why"):
        table.add_column(heading, no_wrap=heading != "why", justify="right" if heading in _NUMBERS else "left")
    for event in history[-last:]:
        before = "" if event.before is None else str(event.before)
        when = event.at[:16].replace("T", " ")
        table.add_row(when, str(event.version), event.action, before, event.by, event.reason)
    print_table(table)


def describe(version: "Version") -> dict[str, Any]:
    """Turn a version and its tags into a JSON object."""
    tags = version.tags
    metrics = {
        name: float(value)
        for name, value in tags.items()
        if name.split(".")[0] in ("validation", "test") and name != "test.digest"
    }
    return {
        "version": version.number,
        "aliases": version.aliases,
        "model": tags.get("model"),
        "created": datetime.fromtimestamp(version.created / 1000, UTC).strftime("%Y-%m-%d %H:%M"),
        "metrics": metrics,
        "threshold": float(tags["operating.threshold"]) if "operating.threshold" in tags else None,
        "test_digest": tags.get("test.digest"),
        "outcome": tags.get("decision.outcome"),
        "against": tags.get("decision.against"),
        "run": version.run_id,
    }


def _version_columns(versions: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The cells of the table by heading; metrics of test before those of validation."""
    metrics = sorted({key for version in versions for key in version["metrics"]})
    columns = {
        "version": [str(version["version"]) for version in versions],
        "alias": [", ".join(version["aliases"]) for version in versions],
        "model": [version["model"] or "" for version in versions],
    }
    for key in metrics:
        columns[key.replace(".", " ").replace("_", " ")] = [
            _number(version["metrics"].get(key)) for version in versions
        ]
    return columns | {
        "threshold": [_number(version["threshold"]) for version in versions],
        "run": [version["run"][:8] for version in versions],
        "registered (UTC)": [version["created"] for version in versions],
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
