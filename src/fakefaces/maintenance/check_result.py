"""The result of one check of the doctor, with the way to fix what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class CheckResult:
    """What one check found."""

    area: str  # such as "store" or "runs"
    text: str
    level: Literal["ok", "note", "error"] = "ok"  # an error has to be fixed, a note is worth knowing
    fix: Callable[[], object] | None = None  # what --fix calls; None where a person has to act
    fix_text: str = ""  # what the fix does
    advice: str = ""  # what a person can do
