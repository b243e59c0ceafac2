"""What ``data.dvc`` records of ``data/``: DVC's digest, the one that a person accepted, and the source."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fakefaces.base.environment import DVC
from fakefaces.base.errors import DataError
from fakefaces.base.files import read_json, write_json, write_text

MARKER = "outputs/fetch.txt"  # output of the stage fetch: the same everywhere
MARKER_TEXT = "data/ is there\n"
_DEPS = (MARKER, ".dvcignore")  # two, as DVC would fetch an only one
_HEADER = (
    "# The photographs in data/, copied and tracked. Written by `fakefaces data`; `accepted` is the digest that it\n"
    "# compares data/ with (docs/decisions/12-data-belong-to-the-project.md).\n"
)


@dataclass(frozen=True)
class Record:
    """The content of ``data.dvc``."""

    digest: str  # of data/ when DVC saved it last: an md5 with ".dir"
    accepted: str  # of data/ when a person accepted it last; "" in a file that only DVC wrote
    source: str  # what --update fetches: an address or a folder of the project; "" where it is unknown
    is_import: bool  # DVC would fetch it over data/


def read_record(root: Path) -> Record | None:
    """Read ``data.dvc``; None where there is none.

    Raises:
        DataError: it is not a DVC file with one output.
    """
    path = root / "data.dvc"
    if not path.is_file():
        return None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        (out,) = content["outs"]
        meta = content.get("meta") or {}
        deps = content.get("deps") or []
        return Record(
            digest=str(out.get("md5", "")),
            accepted=str(meta.get("accepted", "")),
            source=str(meta.get("source", "")),
            is_import=len(deps) == 1 and not content.get("frozen", False),
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError):
        raise DataError(
            "data.dvc: not a DVC file with one output; restore it with: git checkout data.dvc, "
            "or import photographs again: fakefaces data SOURCE --replace"
        ) from None


def track(root: Path, source: str) -> None:
    """Save ``data/`` in DVC's cache, and accept it as it is in ``data.dvc``.

    Args:
        root: the project's folder.
        source: what ``--update`` fetches again; "" where there is no single source.

    Raises:
        DataError: DVC cannot save it.
    """
    if not (root / MARKER).is_file():
        write_text(root / MARKER, MARKER_TEXT)
    if not (root / ".dvcignore").is_file():
        write_text(root / ".dvcignore", "")
    _write(root, {"deps": [{"path": path} for path in _DEPS], "outs": [{"path": "data"}]})
    run_dvc(root, "commit", "--quiet", "--force", "data.dvc")
    content = yaml.safe_load((root / "data.dvc").read_text(encoding="utf-8"))
    shared = source if "://" in source or source == "kaggle" or (source and not Path(source).is_absolute()) else ""
    content["meta"] = {"accepted": content["outs"][0]["md5"]} | ({"source": shared} if shared else {})
    _write(root, content)
    write_json(root / ".dvc" / "tmp" / "source.json", {"source": source})


def known_source(root: Path) -> str:
    """The source of the last import, as far as this machine knows it; "" otherwise."""
    record = read_record(root)
    if record and record.source:
        return record.source
    try:
        return str(read_json(root / ".dvc" / "tmp" / "source.json")["source"])
    except (OSError, json.JSONDecodeError, UnicodeDecodeError, LookupError, TypeError):
        return ""


def run_dvc(root: Path, *arguments: str) -> str:
    """Run DVC's command line, and return what it printed.

    Raises:
        DataError: DVC's own reason.
    """
    process = subprocess.run([*DVC, *arguments], cwd=root, capture_output=True, text=True, check=False)
    if process.returncode:
        errors = [line.removeprefix("ERROR: ") for line in process.stderr.splitlines() if line.startswith("ERROR: ")]
        reason = " ".join(errors)[:300] or f"exit code {process.returncode}"
        raise DataError(f"dvc {' '.join(arguments)}: {reason}; data/ is unchanged")
    return process.stdout


def _write(root: Path, content: dict[str, Any]) -> None:
    write_text(root / "data.dvc", _HEADER + yaml.safe_dump(content, sort_keys=False))
