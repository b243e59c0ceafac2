"""The trials of the tuning study: what ``reports/tune.json`` holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from fakefaces.base.files import read_json, write_json


@dataclass(frozen=True)
class Trial:
    """A completed or pruned trial."""

    number: int  # from 0
    values: dict[str, Any]  # sampled ones by name
    score: float | None  # of a completed trial, its objective; None for a pruned one
    pruned: bool  # whether it was stopped early


def write_trials(path: Path, trials: Sequence[Trial]) -> None:
    """Write the trials of a study."""
    write_json(path, {"trials": [vars(trial) for trial in trials]})


def read_trials(path: Path) -> list[Trial]:
    """Read the trials of a study; an empty list where none was tuned."""
    return TypeAdapter(list[Trial]).validate_python(read_json(path)["trials"]) if path.is_file() else []
