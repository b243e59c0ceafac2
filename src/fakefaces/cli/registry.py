"""``fakefaces registry``."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fakefaces.cli.arguments import registered_name

if TYPE_CHECKING:
    from rich.table import Table

    from fakefaces.registry.store import Version


def registry(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    last: Annotated[int, typer.Option(min=1, help="Entries of the history, at most.")] = 20,
) -> None:
    """List the versions of the registered model with their aliases, and the history of promotions."""
    from fakefaces.cli.tables import print_table
    from fakefaces.registry.store import Registry

    registered = Registry(registered_name())
    versions = [describe(version) for version in registered.versions()]
    history = registered.history()
    if as_json:
        events = [vars(event) for event in history]
        print(json.dumps({"name": registered.name, "versions": versions, "history": events}))
        return
    if not versions:
        print(f"{registered.name}: no version yet; train and promote one with: dvc repro")
        return
    print_table(_versions_table(registered.name, versions))
    table = _table(f"\nhistory ({len(history)})", ("when (UTC)", "version", "became", "before", "by", "why"))
    table.columns[-1].no_wrap = False
    for event in history[-last:]:
        before = "" if event.before is None else str(event.before)
        when = event.at[:19].replace("T", " ")
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


def _versions_table(name: str, versions: list[dict[str, Any]]) -> "Table":
    metrics = sorted({key for version in versions for key in version["metrics"]}, reverse=True)
    table = _table(name, ("version", "alias", "model", *metrics, "threshold", "registered (UTC)", "run"))
    for version in versions:
        values = [version["metrics"].get(key) for key in metrics] + [version["threshold"]]
        table.add_row(
            str(version["version"]),
            ", ".join(version["aliases"]),
            version["model"] or "",
            *("" if value is None else f"{value:.4f}" for value in values),
            version["created"],
            version["run"][:8],
        )
    return table


def _table(title: str, columns: tuple[str, ...]) -> "Table":
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        numeric = column in ("version", "before", "threshold") or "." in column
        table.add_column(column.replace(".", "\n"), justify="right" if numeric else "left", no_wrap=True)
    return table
