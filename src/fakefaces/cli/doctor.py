"""``fakefaces doctor``."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.secrets import masked

if TYPE_CHECKING:
    from fakefaces.maintenance.check_result import CheckResult

_PASSES = 4  # a repair may show another problem: of a store, then of its runs, then of the registry
_MARKS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "error": ("✗", "red")}


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired.")] = False,
) -> None:
    """Check that runs, artifacts, registry, dvc.lock, outputs and environment are consistent."""
    from fakefaces.base.paths import Layout
    from fakefaces.leaderboard import publishing
    from fakefaces.maintenance.check_result import CheckResult
    from fakefaces.maintenance.doctor import Updates, check_project
    from fakefaces.params.file import load
    from fakefaces.registry import description
    from fakefaces.registry.store import Registry
    from fakefaces.registry.upgrade import upgrade

    layout = Layout(environment.workspace())

    def registry() -> Registry:
        return Registry(load(layout.root / "params.yaml").promote.name, create=False)

    updates = Updates(
        upgrade=lambda number: upgrade(registry(), registry().version(number), layout),
        undescribed=lambda: description.undescribed(registry()),
        describe=lambda number: description.describe(registry(), registry().version(number)),
        lacking=publishing.outdated,
        publish=publishing.update,
    )

    def check() -> list[CheckResult]:
        return list(check_project(load(layout.root / "params.yaml"), layout, updates))

    results = check()
    _print(results)
    for _ in range(_PASSES if fix else 0):
        repairs = [_repaired(result) for result in results if result.level == "error" and result.fix]
        if not any(repairs):
            break
        results = check()
    problems = [result for result in results if result.level == "error"]
    if not problems:
        print("\nno problems")
        return
    if fix:
        print("\nremaining problems:")
        _print(problems)
    hint = "" if fix or not any(result.fix for result in problems) else "; repair with: fakefaces doctor --fix"
    raise FakefacesError(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}{hint}")


def _print(results: "Iterable[CheckResult]") -> None:
    from rich.table import Table
    from rich.text import Text

    from fakefaces.cli.tables import print_table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    area = ""
    for result in results:
        table.add_row(
            Text(*_MARKS[result.level]), "" if result.area == area else result.area, Text(masked(result.text))
        )
        area = result.area
        if todo := f"--fix: {result.fix_text}" if result.fix else result.advice:
            table.add_row("", "", Text(masked(f"→ {todo}"), style="dim"))
    print_table(table)


def _repaired(result: "CheckResult") -> bool:
    """Repair one problem; False where that failed."""
    from fakefaces.base.progress import echo

    echo(f"{result.area}: {result.text}: {result.fix_text}")
    try:
        if result.fix:
            result.fix()
    except FakefacesError as error:
        echo(f"  not repaired: {error}")
        return False
    return True
