"""``forgotten.json``: which states of ``data/``, runs and versions knew photographs that were forgotten.

It names none of the photographs. The doctor and ``fakefaces reproduce`` read it; it belongs into git.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fakefaces.base.errors import FakefacesError
from fakefaces.base.files import read_json, write_json
from fakefaces.maintenance.check_result import CheckResult
from fakefaces.maintenance.forgetting.photographs import is_unfinished

FILE = "forgotten.json"


@dataclass(frozen=True)
class Forgetting:
    """One forgetting."""

    day: str  # ISO 8601
    photographs: int
    data: tuple[str, ...]  # DVC's digests of the states of data/ that held them
    runs: tuple[str, ...]  # ids of the runs on these: their bytes cannot be made again
    models: tuple[str, ...]  # that learned from them
    versions: tuple[int, ...]  # of the registered model


def today() -> str:
    """The day in UTC."""
    return datetime.now(UTC).date().isoformat()


def read(root: Path) -> list[Forgetting]:
    """All forgettings; none where there is no record.

    Raises:
        FakefacesError: it cannot be read.
    """
    if not (root / FILE).exists():
        return []
    try:
        entries: list[dict[str, Any]] = read_json(root / FILE)
        lists = ("data", "runs", "models", "versions")
        return [Forgetting(**e | {key: tuple(e[key]) for key in lists}) for e in entries]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise FakefacesError(f"{FILE}: cannot be read ({error}); restore it: git checkout {FILE}") from None


def add(root: Path, forgetting: Forgetting) -> None:
    """Add a forgetting; one that adds nothing to those of its day is left out, as after a kill."""
    earlier = read(root)
    if not any(asdict(forgetting) == asdict(other) for other in earlier):
        write_json(root / FILE, [asdict(entry) for entry in [*earlier, forgetting]])


def of_data(root: Path, digest: str) -> Forgetting | None:
    """The forgetting of a photograph that a state of ``data/`` held; None where there was none."""
    return next((entry for entry in read(root) if digest in entry.data), None)


def check_forgotten(root: Path) -> Iterator[CheckResult]:
    """The doctor's check: a forgetting that was interrupted, and what the others left behind."""
    if is_unfinished(root):
        advice = "fakefaces forget --yes"
        yield CheckResult("forgotten", "a forgetting was interrupted: traces are left", "error", advice=advice)
    try:
        entries = read(root)
    except FakefacesError as error:
        yield CheckResult("forgotten", str(error), "error")
        return
    for entry in entries:
        models = f"; learned from by {', '.join(entry.models)}" if entry.models else ""
        versions = f" (versions {', '.join(map(str, entry.versions))})" if entry.versions else ""
        text = f"{entry.photographs} on {entry.day}: {len(entry.runs)} runs cannot be made again{models}{versions}"
        yield CheckResult("forgotten", text, "note")
