"""The whole of a forgetting: what it removes in which order, what stays, and what only a person can do.

What was made of a photograph goes first and the photograph last: whatever kills it, running it again finds the rest.
"""

import csv
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fakefaces.base import environment
from fakefaces.base.errors import NoStoreError
from fakefaces.base.leftovers import sweep_temporary
from fakefaces.base.progress import progress
from fakefaces.base.secrets import masked
from fakefaces.ingest.changes import remember
from fakefaces.ingest.record import known_source, read_record, track
from fakefaces.maintenance.forgetting import dvc_cache, mlflow_store, photographs, record, workspace
from fakefaces.maintenance.forgetting.mlflow_store import Learned
from fakefaces.maintenance.forgetting.photographs import Marks, Photograph
from fakefaces.maintenance.forgetting.removal import Removal
from fakefaces.tracking.store import Store


@dataclass(frozen=True)
class Plan:
    """What a forgetting does."""

    root: Path  # the project's folder
    photographs: tuple[Photograph, ...]
    states: frozenset[str]  # DVC's digests of the states of data/ that held them
    learned: Learned
    removals: tuple[Removal, ...]  # in their order
    remaining: tuple[str, ...] = field(default=())  # what stays, and what only a person can do: sentences

    def execute(self) -> None:
        """Remove everything, and record which runs cannot be reproduced."""
        photographs.begin(self.root, self.photographs, self.states)
        entry = record.Forgetting(
            day=record.today(),
            photographs=len(self.photographs),
            data=tuple(sorted(self.states)),
            runs=self.learned.runs,
            models=self.learned.models,
            versions=self.learned.versions,
        )
        record.add(self.root, entry)
        with progress("forgetting", len(self.removals)) as step:
            for removal in self.removals:
                removal.do()
                step(1, removal.place)
        if read_record(self.root) and (self.root / "data").is_dir():
            track(self.root, known_source(self.root))
            remember(self.root)
        sweep_temporary()
        photographs.end(self.root)


def plan(root: Path, named: Sequence[str], store: Store | None, model: str, *, remote: bool) -> Plan:
    """What forgetting photographs would do; nothing is changed.

    Args:
        root: the project's folder.
        named: paths or sha256 of photographs; none to go on with what was interrupted.
        store: of MLflow; None where there is none yet.
        model: the name of the registered model.
        remote: whether DVC's remotes are cleaned, too.

    Raises:
        DataError: a photograph that is not found.
        FakefacesError: a remote that cannot be reached.
    """
    folder = dvc_cache.cache_folder(root)
    caches = {"DVC's cache": dvc_cache.Objects(folder)} if folder else {}
    remotes = dvc_cache.remotes(root) if folder else {}
    local = {name: _folder(root, address) for name, address in remotes.items()}
    if remote:
        caches |= {f"remote {name}": dvc_cache.Objects(path) for name, path in local.items() if path}
    listings = {md5: listing for objects in caches.values() for md5, listing in objects.listings.items()}
    chosen = photographs.find(root, named, listings)
    marks = Marks(chosen)

    states = dvc_cache.states_with(listings, marks)
    accepted = read_record(root)
    if accepted and any((root / "data" / name).is_file() for p in chosen for name in p.names):
        states |= {digest for digest in (accepted.digest, accepted.accepted) if digest}
    states |= photographs.interrupted_states(root)
    records = dvc_cache.locked_records(root)
    records += [run for objects in caches.values() for run in objects.runs().values()]
    made, outputs = dvc_cache.made_of(states, records)

    known = mlflow_store.learned(store, model, states, marks) if store else Learned((), (), ())
    artifacts = mlflow_store.artifacts_folder() if store else None
    steps = [*workspace.made_of(root, outputs, marks), *workspace.computed(root, marks)]
    steps += workspace.reviewed(root, marks)
    if artifacts:
        steps += mlflow_store.removals(artifacts, root, known.runs, marks)
    steps += workspace.originals(root, marks)
    for place, objects in caches.items():
        steps += dvc_cache.removals(place, objects, states, made, marks)
    if remote:
        gone = {*states, *made, *(md5 for p in chosen for md5 in p.md5s)}
        for name, address in remotes.items():
            if local[name] is None:
                steps += dvc_cache.distant_removals(name, address, gone)
    untouched = {} if remote else remotes
    left = [*_remaining(root, chosen, known, untouched, artifacts is None and store is not None)]
    if store is None:
        left.append(f"there is no MLflow store at {masked(environment.tracking_uri())}: nothing was sought there")
    return Plan(root, tuple(chosen), frozenset(states), known, tuple(steps), tuple(left))


def _remaining(
    root: Path, chosen: Sequence[Photograph], known: Learned, remotes: dict[str, str], distant_artifacts: bool
) -> Iterator[str]:
    """What stays, in sentences."""
    if known.models:
        versions = ", ".join(map(str, known.versions))
        registered = f"; registered versions: {versions}" if versions else ""
        yield (
            f"models that learned from them stay as they are: {', '.join(known.models)}{registered}. Train anew with: "
            "dvc repro, and remove the old ones with MLflow if they must go"
        )
    if known.runs:
        yield f"{len(known.runs)} runs on this data cannot be made again byte for byte; {record.FILE} lists them"
    for name in sorted(_related(root, chosen)):
        yield f"{name} shares a photograph with one of them, and stays; forget it by its own name if it must go, too"
    in_git = [p.names[0] if p.names else p.sha256[:12] for p in chosen if _in_git(root, p.blob)]
    if in_git:
        yield (
            f"git's history holds {', '.join(in_git)}: rewrite it (git filter-repo --invert-paths --path FILE), in "
            "every clone"
        )
    yield "commit what changed; names and digests in git's earlier commits stay until its history is rewritten"
    for name, address in remotes.items():
        yield f"DVC's remote {name} ({masked(address)}) was not touched; do it, too, with: --remote"
    if distant_artifacts:
        yield "MLflow's artifacts are not on this machine: run this where they are, or remove those of these runs there"
    if source := known_source(root):
        where = masked(source)
        yield f"the source of data/ ({where}) may hold them still: fakefaces data --update would bring them again"
    yield "what was written elsewhere is not known here: exports, outputs of fakefaces score, other clones, backups"


def _related(root: Path, chosen: Sequence[Photograph]) -> set[str]:
    """The images that share a photograph with one of them, as the last search for near-duplicates found."""
    names = {name for p in chosen for name in p.names}
    try:
        with (root / "reports" / "duplicate_pairs.csv").open(encoding="utf-8", newline="") as file:
            pairs = [(row["a"], row["b"]) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, KeyError, csv.Error):
        return set()
    return {other for a, b in pairs for one, other in ((a, b), (b, a)) if one in names and other not in names}


def _folder(root: Path, address: str) -> Path | None:
    """The folder of a remote that is on this machine."""
    if "://" in address:
        return None
    path = Path(address)
    return path if path.is_absolute() else (root / ".dvc" / path).resolve()


def _in_git(root: Path, blob: str) -> bool:
    try:
        command = ["git", "cat-file", "-e", blob]
        return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0
    except OSError:  # no git
        return False


def store_or_none() -> Store | None:
    """The project's store; None where there is none yet. A TrackingError where it cannot be used."""
    from fakefaces.tracking.store import connect

    try:
        return connect(create=False)
    except NoStoreError:
        return None
