"""The result of one check of the doctor, with the way to fix what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes:
        area: such as ``store`` or ``runs``.
        text: the finding, in one sentence.
        level: ``error`` has to be fixed; ``note`` is worth knowing.
        fix: what ``--fix`` calls; None where a person has to act.
        fix_text: what it does.
        advice: what a person can do.
    """

    area: str
    text: str
    level: Literal["ok", "note", "error"] = "ok"
    fix: Callable[[], object] | None = None
    fix_text: str = ""
    advice: str = ""
