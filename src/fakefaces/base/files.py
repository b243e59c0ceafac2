"""Files that are whole or not there: everything is written aside and renamed, and bytes repeat."""

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can hold


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a sibling path to write a file or fill a folder at; rename it to ``path`` when all went well.

    On any error the sibling is removed and ``path`` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    _remove(aside)
    try:
        yield aside
        if path.is_dir():
            _remove(path)
        aside.replace(path)
    finally:
        _remove(aside)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    with atomic_write(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes, whole or not at all."""
    with atomic_write(path) as aside:
        aside.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented and in the order given; NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file that a stage of ours wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def normalise_keras(archive: Path) -> None:
    """Rewrite a ``.keras`` archive so that equal networks give equal bytes.

    Keras writes the date of the making into every entry's header and into ``metadata.json``, and addresses of
    Python objects into ``config.json`` (``shared_object_id``), which are numbered here in their order instead.
    """
    with atomic_write(archive) as aside, zipfile.ZipFile(archive) as old, zipfile.ZipFile(aside, "w") as new:
        for name in sorted(old.namelist()):
            data = old.read(name)
            if name == "metadata.json":
                metadata = json.loads(data)
                metadata.pop("date_saved", None)
                data = json.dumps(metadata, sort_keys=True).encode()
            elif name == "config.json":
                data = json.dumps(_renumbered(json.loads(data), {})).encode()
            new.writestr(zipfile.ZipInfo(name, date_time=_EPOCH), data)


def _renumbered(value: Any, seen: dict[int, int]) -> Any:
    """``value`` with its ``shared_object_id`` counted from 1 in the order in which they appear."""
    if isinstance(value, dict):
        return {
            key: seen.setdefault(one, len(seen) + 1) if key == "shared_object_id" else _renumbered(one, seen)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_renumbered(one, seen) for one in value]
    return value


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
