"""The doctor's check of ``data/``: that it is there, as a person accepted it, and safe in DVC's cache."""

from collections.abc import Iterator
from pathlib import Path

from fakefaces.base.errors import FakefacesError
from fakefaces.ingest.changes import accepted_listing, fetch, unaccepted
from fakefaces.ingest.record import read_record
from fakefaces.ingest.replacing import recover, workplace
from fakefaces.ingest.special_files import require_regular_files
from fakefaces.maintenance.check_result import CheckResult


def check_data(root: Path) -> Iterator[CheckResult]:
    """Compare ``data/`` with ``data.dvc``, and look for what an interrupted import left."""
    try:
        record = read_record(root)
    except FakefacesError as error:
        yield CheckResult("data", str(error), "error")
        return
    if workplace(root).exists():
        text = "an import was interrupted"
        yield CheckResult("data", text, "error", lambda: recover(root), "undo it")
    if record is None:
        if (root / "data").is_dir():
            yield CheckResult(
                "data", "DVC does not know data/: there is no data.dvc", "note", advice="fakefaces data --add"
            )
        return
    if not (root / "data").is_dir():
        yield CheckResult("data", "data/ is missing", "error", lambda: fetch(root, record), "bring it back")
        return
    try:
        require_regular_files(root)
    except FakefacesError as error:
        yield CheckResult("data", str(error), "error")
        return
    changes, differs = unaccepted(root, record)
    advice = "fakefaces data --add takes the changes in, fakefaces data --restore away"
    if differs and changes is None:
        yield CheckResult("data", "data/ is not what data.dvc says", "error", advice=advice)
    elif changes:
        yield CheckResult("data", f"data/ was changed ({changes}):\n{changes.named()}", "error", advice=advice)
    elif record.is_import:
        text = "data.dvc is an import: dvc repro fetches its source over what is in data/"
        yield CheckResult("data", text, "note", advice="fakefaces data --add tracks data/ as it is")
    elif record.digest and accepted_listing(root, record.digest, cache_only=True) is None:
        yield CheckResult(
            "data", "data/ is as in data.dvc; DVC's cache holds no copy", "note", advice="dvc commit data.dvc"
        )
    else:
        yield CheckResult("data", "data/ is as in data.dvc")
