"""``fakefaces doctor``."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError

if TYPE_CHECKING:
    from fakefaces.maintenance.check_result import Finding

_PASSES = 4  # a repair may show another problem: of a store, then of its runs, then of the registry


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired.")] = False,
) -> None:
    """Check that runs, artifacts, registry, dvc.lock, outputs and environment are consistent."""
    from fakefaces.base.paths import Layout
    from fakefaces.maintenance.doctor import Examination
    from fakefaces.params.file import load

    root = environment.workspace()

    def examine() -> "list[Finding]":
        return list(Examination(load(root / "params.yaml"), Layout(root)).findings())

    findings = examine()
    _print(findings)
    for _ in range(_PASSES if fix else 0):
        repairs = [_repaired(finding) for finding in findings if finding.wrong and finding.mend]
        if not any(repairs):
            break
        findings = examine()
    problems = [finding for finding in findings if finding.wrong]
    if not problems:
        print("\nno problems")
        return
    if fix:
        print("\nremaining problems:")
        _print(problems)
    hint = "" if fix or not any(finding.mend for finding in problems) else "; repair with: fakefaces doctor --fix"
    raise FakefacesError(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}{hint}")


def _print(findings: "Iterable[Finding]") -> None:
    from rich.table import Table
    from rich.text import Text

    from fakefaces.cli.tables import print_table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    area = ""
    for finding in findings:
        mark = ("✗", "red") if finding.wrong else ("!", "yellow") if finding.note else ("✓", "green")
        table.add_row(Text(*mark), "" if finding.area == area else finding.area, Text(finding.text))
        area = finding.area
        todo = f"--fix: {finding.mending}" if finding.mend else finding.advice
        if todo:
            table.add_row("", "", Text(f"→ {todo}", style="dim"))
    print_table(table)


def _repaired(finding: "Finding") -> bool:
    """Repair one problem; False where that failed."""
    from fakefaces.base.progress import echo

    echo(f"{finding.area}: {finding.text}: {finding.mending}")
    try:
        if finding.mend:
            finding.mend()
    except FakefacesError as error:
        echo(f"  not repaired: {error}")
        return False
    return True
