"""``fakefaces doctor``."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError

_PASSES = 4  # what is mended may show what else is wrong: a store, then its runs, then the registry


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended.")] = False,
) -> None:
    """Hold runs, artifacts, registry, dvc.lock, outputs and environment against each other."""
    from fakefaces.base.paths import Layout
    from fakefaces.maintenance.doctor import Examination
    from fakefaces.params.file import load

    root = environment.workspace()

    def look() -> list[Any]:
        return list(Examination(load(root / "params.yaml"), Layout(root)).findings())

    found = look()
    _show(found)
    if fix:
        for _ in range(_PASSES):
            mendable = [finding for finding in found if finding.wrong and finding.mend]
            if not sum(_mended(finding) for finding in mendable):
                break
            found = look()
        if any(finding.wrong for finding in found):
            print("\nwhat is left:")
            _show(finding for finding in found if finding.wrong)
    wrong = [finding for finding in found if finding.wrong]
    if not wrong:
        print("\nall is well")
        return
    hint = (
        "" if fix or not any(finding.mend for finding in wrong) else "; mend what can be mended: fakefaces doctor --fix"
    )
    raise FakefacesError(f"{len(wrong)} {'thing is' if len(wrong) == 1 else 'things are'} wrong{hint}")


def _show(findings: Iterable[Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from fakefaces.cli.shown import show

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
    show(table)


def _mended(finding: Any) -> bool:
    from fakefaces.base.progress import echo

    echo(f"{finding.area}: {finding.text}: {finding.mending}")
    try:
        finding.mend()
    except FakefacesError as error:
        echo(f"  not mended: {error}")
        return False
    return True
