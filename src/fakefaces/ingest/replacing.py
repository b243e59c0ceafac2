"""``data/`` replaced, taken in or restored as a whole; whatever interrupts that, the next command works."""

import hashlib
import os
import shutil
from pathlib import Path

import yaml

from fakefaces.base.errors import DataError
from fakefaces.base.files import write_text
from fakefaces.base.progress import echo
from fakefaces.data.photographs import list_photographs
from fakefaces.ingest.changes import (
    Changes,
    accepted_listing,
    compare,
    digest_of,
    list_folder,
    remember,
    unaccepted,
)
from fakefaces.ingest.collection import sha256
from fakefaces.ingest.record import Record, known_source, read_record, run_dvc, track
from fakefaces.ingest.special_files import require_regular_files, special_files

_LEFT_BY_EARLIER_RELEASES = ("data.new", "data.new.dvc", "data.old")


def workplace(root: Path) -> Path:
    """The folder of an import under way: on the disk of ``data/``, ignored by git and DVC."""
    return root / ".unfinished" / "import"


def recover(root: Path) -> None:
    """Undo what an interrupted import left, so that the next one works."""
    place, data = workplace(root), root / "data"
    previous, text = place / "previous", place / "previous.txt"
    if previous.is_dir():
        if data.is_dir() and not _is_accepted(root):
            aside(root, data)
        if not data.is_dir():
            previous.rename(data)
            if text.is_file():
                write_text(root / "data.dvc", text.read_text(encoding="utf-8"))
        echo("an interrupted import was undone")
    if not place.parent.is_dir():  # a file of that name, or a link to nothing
        remove(place.parent)
    for path in (place, *(root / name for name in _LEFT_BY_EARLIER_RELEASES)):
        remove(path)


def require_accepted(root: Path) -> None:
    """Refuse to go on while ``data/`` holds what only it holds.

    Raises:
        DataError: with the names of the files.
    """
    record, data = read_record(root), root / "data"
    if not data.is_dir() or not any(data.iterdir()):
        return
    require_regular_files(root)
    if record is None:
        raise DataError(
            f"data/ holds {len(list_folder(data))} files that DVC does not know. Take them in first with: "
            "fakefaces data --add\nOr move them elsewhere"
        )
    changes, differs = unaccepted(root, record)
    if differs:
        named = f" ({changes}):\n  {changes.named()}" if changes else ", and DVC's cache does not tell how"
        raise DataError(
            f"data/ was changed since it was imported{named}\nTake the changes in first with: fakefaces data --add\n"
            "Or away with: fakefaces data --restore"
        )


def replace_data(root: Path, new: Path, source: str) -> None:
    """Put the folder ``new`` into the place of ``data/``, and track it; on any error ``data/`` is what it was.

    Args:
        root: the project's folder.
        new: the complete set, below :func:`workplace`.
        source: what ``--update`` fetches again; "" where there is no single source.
    """
    data, place = root / "data", workplace(root)
    record = read_record(root)
    if record and data.is_dir() and accepted_listing(root, record.digest, cache_only=True) is None:
        track(root, known_source(root))  # so that an older commit finds its photographs in DVC's cache
    if record:
        write_text(place / "previous.txt", (root / "data.dvc").read_text(encoding="utf-8"))
    if data.is_dir():
        data.rename(place / "previous")
    try:
        new.rename(data)
        track(root, source)
        remember(root)
    except BaseException:
        if data.is_dir():
            data.rename(place / "failed")
        if (place / "previous").is_dir():
            (place / "previous").rename(data)
        if record:
            write_text(root / "data.dvc", (place / "previous.txt").read_text(encoding="utf-8"))
        else:
            (root / "data.dvc").unlink(missing_ok=True)
        raise
    finally:
        remove(place)


def take_in(root: Path) -> None:
    """Accept ``data/`` as it is.

    Raises:
        DataError: it has no two classes of photographs, or holds what DVC cannot keep.
    """
    recover(root)
    require_regular_files(root)
    record = read_record(root)
    faces = list_photographs(root / "data")
    changes = _changes(root, record)
    if record and record.accepted and changes is not None and not len(changes):
        if record.digest == record.accepted and not record.is_import:
            echo("data/ is what was imported: there is nothing to take in")
            return
        changes = None
    fakes = int((faces["label"] == 1).sum())
    track(root, "")
    remember(root)
    if changes is not None:
        echo(f"data/: {changes}:\n  {changes.named()}")
    digests = [sha256(root / "data" / image) for image in faces["image"]]
    if copies := len(digests) - len(set(digests)):
        echo(f"data/: {copies} images are copies of others, byte for byte: they stay in one split")
    echo(f"data/ is accepted with {len(faces) - fakes} real and {fakes} fake images; run: dvc repro")


def restore(root: Path) -> None:
    """Bring ``data/`` back to what was accepted; added and changed files are moved to ``data.aside/``.

    Raises:
        DataError: the accepted files are neither in DVC's cache nor in ``samples/``.
    """
    recover(root)
    record = read_record(root)
    if record is None:
        raise DataError("data.dvc: there is none, so there is nothing to restore; take data/ in: fakefaces data --add")
    data, accepted = root / "data", record.accepted or record.digest
    known = accepted_listing(root, accepted)
    if known is None:
        raise DataError("data/: DVC's cache does not hold what was accepted; fetch it with: dvc fetch, then again")
    special = [path for path, _ in special_files(data)]
    for path in special:
        aside(root, path)
    changes = compare(known, list_folder(data) if data.is_dir() else {})
    for name in (*changes.added, *changes.changed):
        aside(root, data / name)
    if moved := len(special) + len(changes.added) + len(changes.changed):
        echo(f"moved to data.aside/: {moved} file{'s' if moved > 1 else ''}")
    source = known_source(root)
    samples = root / "samples"
    if samples.is_dir() and digest_of(list_folder(samples)) == accepted:
        shutil.copytree(samples, data, dirs_exist_ok=True)
    else:
        _point_at(root, accepted)
        run_dvc(root, "checkout", "--quiet", "data.dvc")
    track(root, source)
    remember(root)
    echo(f"data/ is what was imported: {len(known)} files")


def aside(root: Path, path: Path) -> None:
    """Move a file or folder of ``data/`` to ``data.aside/``, under another name if that one is taken."""
    target = root / "data.aside" / path.relative_to(root / "data")
    if path == root / "data":
        target = root / "data.aside" / "interrupted"
    while os.path.lexists(target):
        mark = hashlib.sha256(f"{target}{target.lstat().st_mtime_ns}".encode(errors="replace")).hexdigest()[:8]
        target = target.with_name(f"{target.stem}_{mark}{target.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)


def remove(path: Path) -> None:
    """Remove a file, link or folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_accepted(root: Path) -> bool:
    record = read_record(root)
    return bool(record and digest_of(list_folder(root / "data")) == (record.accepted or record.digest))


def _changes(root: Path, record: Record | None) -> Changes | None:
    if record is None:
        return None
    changes, _ = unaccepted(root, record)
    return changes


def _point_at(root: Path, digest: str) -> None:
    """Let ``data.dvc`` name an earlier state of ``data/``, so that DVC can check it out."""
    content = yaml.safe_load((root / "data.dvc").read_text(encoding="utf-8"))
    content["outs"] = [{"md5": digest, "hash": "md5", "path": "data"}]
    write_text(root / "data.dvc", yaml.safe_dump(content, sort_keys=False))
