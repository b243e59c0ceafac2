"""What DVC keeps of a photograph: its object, the folders that list it, outputs that were made of it, and run records.

The layout of cache, remotes and run cache is documented:
https://dvc.org/doc/user-guide/project-structure/internal-files.
"""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from fakefaces.base.errors import DataError, FakefacesError
from fakefaces.base.secrets import masked
from fakefaces.ingest.record import run_dvc
from fakefaces.maintenance.forgetting.photographs import Marks
from fakefaces.maintenance.forgetting.removal import Removal
from fakefaces.maintenance.forgetting.workspace import is_kept

_LARGEST_TEXT = 256 * 2**20  # bytes of an object that is searched for names
_DIR = ".dir"
_REMOTE = re.compile(r"remote\.(.+)\.url=(.+)")


@dataclass(frozen=True)
class StageRecord:
    """One run of a stage, as dvc.lock or the run cache records it: md5 by path."""

    deps: Mapping[str, str]
    outs: Mapping[str, str]


class Objects:
    """The objects below a cache or a remote that is a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.paths = defaultdict[str, list[Path]](list)  # by md5; DVC has some twice, in the layout of DVC 2, too
        for path in sorted(folder.rglob("*")):
            if path.is_file() and len(path.parent.name) == 2 and "runs" not in path.relative_to(folder).parts:
                self.paths[path.parent.name + path.name].append(path)
        self.listings = {md5: listing for md5, (path, *_) in self.paths.items() if (listing := _listing(md5, path))}

    def runs(self) -> dict[Path, StageRecord]:
        """The records of the run cache."""
        files = (path for path in (self.folder / "runs").rglob("*") if path.is_file())
        return {path: record for path in sorted(files) if (record := _record(_yaml(path)))}

    def naming(self, marks: Marks, others: Collection[str]) -> Iterator[str]:
        """Objects in whose text a photograph is named, ``others`` left out."""
        for md5, (path, *_) in self.paths.items():
            if md5 in others or md5.endswith(_DIR) or path.stat().st_size > _LARGEST_TEXT:
                continue
            with path.open("rb") as file:
                head = file.read(1024)
                if b"\0" not in head and marks.in_page(head + file.read()):
                    yield md5


def cache_folder(root: Path) -> Path | None:
    """The folder of DVC's cache; None where the project has none."""
    if not (root / ".dvc").is_dir():
        return None
    try:
        return (root / run_dvc(root, "cache", "dir").strip()).resolve()
    except DataError:
        return None


def remotes(root: Path) -> dict[str, str]:
    """The addresses of the project's remotes by name."""
    try:
        lines = run_dvc(root, "config", "--list").splitlines()
    except DataError:
        return {}
    return {match[1]: match[2].strip() for line in lines if (match := _REMOTE.fullmatch(line))}


def locked_records(root: Path) -> list[StageRecord]:
    """What dvc.lock records, here and in every commit of git."""
    texts = [(root / "dvc.lock").read_text(encoding="utf-8")] if (root / "dvc.lock").is_file() else []
    commits = _git(root, "log", "--all", "--format=%H", "--", "dvc.lock").split()
    texts += [_git(root, "show", f"{commit}:./dvc.lock") for commit in commits]
    records = []
    for text in dict.fromkeys(texts):
        try:
            stages = (yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}).get("stages", {})
            records += [record for stage in stages.values() if (record := _record(stage))]
        except (yaml.YAMLError, AttributeError):
            continue
    return records


def states_with(listings: Mapping[str, Mapping[str, str]], marks: Marks) -> set[str]:
    """The digests of folders that hold one of the photographs: states of ``data/``."""
    md5s = {p.md5 for p in marks.photographs}
    return {digest for digest, listing in listings.items() if md5s & set(listing.values())}


def made_of(states: Collection[str], records: Collection[StageRecord]) -> tuple[set[str], set[str]]:
    """What stages made of states of ``data/``, of what was made of them, and so on.

    Returns:
        The digests of the outputs that hold something of single photographs; and the paths of all outputs.
    """
    tainted, made, paths = set(states), set[str](), set[str]()
    while True:
        before = len(tainted)
        for record in records:
            if tainted & set(record.deps.values()):
                tainted |= set(record.outs.values())
                made |= {md5 for path, md5 in record.outs.items() if not is_kept(path)}
                paths |= set(record.outs)
        if len(tainted) == before:
            return made, paths


def removals(
    place: str, objects: Objects, states: Collection[str], made: Collection[str], marks: Marks
) -> list[Removal]:
    """What is removed from a cache.

    Args:
        place: what the cache is called.
        objects: of the cache.
        states: digests of the states of ``data/`` that hold a photograph.
        made: digests of the outputs that were made of them.
        marks: of the photographs.
    """
    gone = {md5 for p in marks.photographs for md5 in p.md5s} | set(states) | set(made)
    named = set(objects.naming(marks, gone))
    gone |= named
    # A folder with a table that names one was made of it, whatever else it holds; data/ lists it with all others.
    others = {d: set(files.values()) for d, files in objects.listings.items() if d not in states}
    folders = {d for d, files in others.items() if d in gone or named & files}
    gone |= folders
    clean = {md5 for d, files in objects.listings.items() if d not in folders for md5 in files.values()}
    gone |= {md5 for d in folders for md5 in objects.listings[d].values() if md5 not in clean}
    steps = [
        Removal(place, f"{md5[:8]}, an object", partial(path.unlink, missing_ok=True))
        for md5 in sorted(gone & objects.paths.keys())
        for path in objects.paths[md5]
    ]
    for path, record in objects.runs().items():
        if gone & {*record.deps.values(), *record.outs.values()}:
            steps.append(Removal(place, f"{path.name[:8]}, a record of a run", partial(path.unlink, missing_ok=True)))
    return steps


def distant_removals(name: str, address: str, md5s: Collection[str]) -> list[Removal]:
    """The removal of objects from a remote that is no folder of this machine, by fsspec.

    Args:
        name: of the remote.
        address: such as ``s3://bucket/path``; credentials come from the environment.
        md5s: of the objects.

    Raises:
        FakefacesError: there is no driver for the address, or no access.
    """
    import fsspec

    try:
        files, base = fsspec.core.url_to_fs(address)
        paths = [f"{base}/{inner}{md5[:2]}/{md5[2:]}" for md5 in sorted(md5s) for inner in ("files/md5/", "")]
        return [Removal(f"remote {name}", path, partial(files.rm_file, path)) for path in paths if files.exists(path)]
    except Exception as error:  # drivers raise whatever their libraries do
        reason, where = " ".join(str(error).split())[:200], masked(address)
        raise FakefacesError(f"the remote {name} ({where}) cannot be reached: {reason}; nothing was removed") from None


def _listing(md5: str, path: Path) -> dict[str, str]:
    if not md5.endswith(_DIR):
        return {}
    try:
        return {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None


def _record(stage: Any) -> StageRecord | None:
    if not isinstance(stage, dict):
        return None

    def md5s(key: str) -> dict[str, str]:
        entries = stage.get(key) or []
        return {e["path"]: str(e["md5"]) for e in entries if isinstance(e, dict) and "path" in e and e.get("md5")}

    return StageRecord(md5s("deps"), md5s("outs"))


def _git(root: Path, *arguments: str) -> str:
    try:
        process = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except OSError:  # no git
        return ""
    return process.stdout if process.returncode == 0 else ""
