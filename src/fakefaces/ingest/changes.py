"""How ``data/`` differs from what a person accepted, and the check before a stage starts."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.files import write_text
from fakefaces.base.names import shown
from fakefaces.base.progress import echo
from fakefaces.ingest.record import Record, read_record, run_dvc
from fakefaces.ingest.special_files import require_regular_files

MAX_NAMED = 10  # files that a message names
_PASSED = ".dvc/tmp/photographs.sha256"  # the fingerprint of a data/ that was accepted
_LISTING = ".dvc/tmp/photographs.json"  # its files
Listing = Mapping[str, str]  # md5 of each file by its path below the folder, with /


@dataclass(frozen=True)
class Changes:
    """Paths below ``data/``, sorted."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.added) + len(self.changed) + len(self.removed)

    def named(self) -> str:
        """At most ten files, one a line, and the number of the others."""
        marked = [
            f"{mark}: data/{shown(path)}"
            for mark, paths in (("added", self.added), ("changed", self.changed), ("removed", self.removed))
            for path in paths
        ]
        more = len(marked) - MAX_NAMED
        return "\n  ".join(marked[:MAX_NAMED] + ([f"and {more} more"] if more > 0 else []))

    def __str__(self) -> str:
        return f"{len(self.added)} added, {len(self.changed)} changed, {len(self.removed)} removed"


def compare(old: Listing, new: Listing) -> Changes:
    """The changes that lead from one listing to another."""
    return Changes(
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(path for path in new.keys() & old.keys() if new[path] != old[path])),
        removed=tuple(sorted(old.keys() - new.keys())),
    )


def list_folder(folder: Path) -> dict[str, str]:
    """The md5 of each file of a folder, by its path below it."""
    return {path.relative_to(folder).as_posix(): _md5(path) for path in _files(folder)}


def digest_of(listing: Listing) -> str:
    """DVC's digest of a folder with these files."""
    text = json.dumps(_entries(listing), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"


def accepted_listing(root: Path, digest: str, *, cache_only: bool = False) -> dict[str, str] | None:
    """The files of an earlier state of ``data/`` by DVC's digest; None where nothing here knows them.

    They stand in DVC's cache, whose layout is documented
    (https://dvc.org/doc/user-guide/project-structure/internal-files), or are remembered from the last check.
    """
    for path in [_cached(root, digest)] + ([] if cache_only else [root / _LISTING]):
        try:
            listing = {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_text(encoding="utf-8"))}
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, LookupError, TypeError):
            continue
        if digest_of(listing) == digest:
            return listing
    return None


def unaccepted(root: Path, record: Record) -> tuple[Changes | None, bool]:
    """Compare ``data/`` with what was accepted.

    Returns:
        The changes, None where DVC's cache does not tell which; and whether there are any.
    """
    accepted = record.accepted or record.digest
    present = list_folder(root / "data")
    if digest_of(present) == accepted:
        return Changes(), False
    known = accepted_listing(root, accepted)
    if known is None:
        return None, True
    changes = compare(known, present)
    ignored = _ignored(root, changes.added)
    changes = Changes(tuple(path for path in changes.added if path not in ignored), changes.changed, changes.removed)
    return changes, len(changes) > 0


def check(root: Path) -> None:
    """Before a stage starts: bring ``data/`` where it is missing or of another commit; stop where a person changed it.

    Raises:
        DataError: files in ``data/`` that nobody accepted or DVC cannot keep, with their names; or ``data/`` cannot be
            brought.
    """
    record = read_record(root)
    if record is None:
        return
    if not (root / "data").is_dir():
        fetch(root, record)
    require_regular_files(root)
    passed, state = root / _PASSED, fingerprint(root)
    if passed.is_file() and passed.read_text(encoding="utf-8") == state:
        return
    changes, differs = unaccepted(root, record)
    if differs and _is_as_remembered(root):  # git has brought another data.dvc, and nobody has touched data/
        move_on(root, record)
    elif differs:
        raise DataError(_refusal(changes))
    remember(root)


def remember(root: Path) -> None:
    """Remember that ``data/`` is accepted as it is, and its files."""
    if not (root / ".dvc").is_dir():
        return
    state = fingerprint(root)
    write_text(root / _LISTING, json.dumps(_entries(list_folder(root / "data"))))
    write_text(root / _PASSED, state)


def move_on(root: Path, record: Record) -> None:
    """Put what ``data.dvc`` names in the place of a ``data/`` that is as an earlier check accepted it.

    Raises:
        DataError: neither DVC's cache nor its remote has it, or the cache has not what would be replaced.
    """
    try:
        if accepted_listing(root, record.digest, cache_only=True) is None and run_dvc(root, "remote", "list").strip():
            run_dvc(root, "fetch", "--quiet", "data.dvc")
        run_dvc(root, "checkout", "--quiet", "data.dvc")
    except DataError as error:
        raise DataError(
            f"data/ is as another commit has it; bring what data.dvc names with: dvc pull ({error})"
        ) from None
    if unaccepted(root, record)[1]:
        raise DataError(_refusal(None))
    echo("data/: brought to the state of this commit")


def _is_as_remembered(root: Path) -> bool:
    """Whether ``data/`` is as the last check left it."""
    try:
        entries = json.loads((root / _LISTING).read_text(encoding="utf-8"))
        return {entry["relpath"]: entry["md5"] for entry in entries} == list_folder(root / "data")
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, LookupError, TypeError):
        return False


def fetch(root: Path, record: Record) -> None:
    """Bring ``data/`` out of DVC's cache, or the sample out of ``samples/``.

    Raises:
        DataError: neither has it.
    """
    accepted, samples = record.accepted or record.digest, root / "samples"
    if accepted_listing(root, record.digest) is not None:
        try:
            run_dvc(root, "checkout", "--quiet", "data.dvc")
        except DataError:  # the cache lacks files; what DVC began to check out goes, for nothing was there before
            shutil.rmtree(root / "data", ignore_errors=True)
    if (root / "data").is_dir():
        return
    partial = root / ".unfinished" / "fetch"
    shutil.rmtree(partial, ignore_errors=True)
    if samples.is_dir() and digest_of(list_folder(samples)) == accepted:
        shutil.copytree(samples, partial)
        what = "copied the sample of drawn faces from samples/"
    elif samples.is_dir() and _is_corrected_sample(root, partial, accepted):
        what = "copied the sample of drawn faces from samples/, with the labels of corrections.csv"
    else:
        shutil.rmtree(partial, ignore_errors=True)
        raise DataError(
            "data/: the photographs are neither here nor in DVC's cache; fetch them with: dvc pull, "
            "or import them: fakefaces data SOURCE"
        )
    partial.rename(root / "data")
    echo(f"data/: {what}")


def _is_corrected_sample(root: Path, partial: Path, accepted: str) -> bool:
    """Whether the sample with the recorded labels, which this writes to ``partial``, is what was accepted."""
    from fakefaces.ingest.recorded_labels import corrected  # decoders: not for the check before each stage

    partial.parent.mkdir(parents=True, exist_ok=True)
    folder = corrected(root, root / "samples", partial)
    return folder is not None and digest_of(list_folder(folder)) == accepted


def fingerprint(root: Path) -> str:
    """A digest of ``data.dvc``, and of names, sizes and times of all files in ``data/``."""
    digest = hashlib.sha256((root / "data.dvc").read_bytes())
    for path in _files(root / "data"):
        status = path.stat()
        digest.update(f"{path.relative_to(root)}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="replace"))
    return digest.hexdigest()


def _refusal(changes: Changes | None) -> str:
    if changes is None:
        what = "data/ is not what data.dvc says was accepted, and DVC's cache does not tell which files differ"
    else:
        what = f"data/ was changed since it was imported ({changes}):\n  {changes.named()}\nNothing was deleted"
    return (
        f"{what}. Take the changes in with: fakefaces data --add (dvc add alone accepts nothing, as dvc repro, too, "
        "records data/ as it is)\n"
        "Or away with: fakefaces data --restore (added and changed files are moved to data.aside/)"
    )


def _cached(root: Path, digest: str) -> Path:
    default = root / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
    if default.is_file() or not digest:
        return default
    try:
        return root / run_dvc(root, "cache", "dir").strip() / "files" / "md5" / digest[:2] / digest[2:]
    except DataError:
        return default


def _entries(listing: Listing) -> list[dict[str, str]]:
    """The files as DVC lists them."""
    return [{"md5": listing[path], "relpath": path} for path in sorted(listing, key=lambda path: path.split("/"))]


def _ignored(root: Path, paths: tuple[str, ...]) -> set[str]:
    """Those of the paths below ``data/`` that .dvcignore excludes."""
    ignored: set[str] = set()
    for start in range(0, len(paths), 500):
        block = paths[start : start + 500]
        try:
            lines = run_dvc(root, "check-ignore", *(f"data/{path}" for path in block)).splitlines()
        except DataError:  # DVC's way to say that it ignores none
            continue
        ignored |= {line.removeprefix("data/") for line in lines}
    return ignored


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
