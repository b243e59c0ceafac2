"""What the doctor finds: one line each, with the way to mend it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: such as ``store`` or ``runs``.
        text: what is so.
        wrong: whether it has to be mended; what is neither wrong nor well is a ``note``.
        note: something to know, which is no fault.
        mend: does what ``--fix`` does.
        mending: what that is, in words.
        advice: what a person can do where there is no ``mend``.
    """

    area: str
    text: str
    wrong: bool = False
    note: bool = False
    mend: Callable[[], object] | None = None
    mending: str = ""
    advice: str = ""
