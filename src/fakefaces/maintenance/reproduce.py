"""What differs between a run and here, and the commands that make its outputs again; nothing is changed by it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fakefaces.maintenance import dvc_lock
from fakefaces.tracking import provenance
from fakefaces.tracking.runs import OUTPUT_TAG, RELOGGED

_KEPT = "provenance"


@dataclass(frozen=True)
class Difference:
    """One thing in which a run and here differ.

    Attributes:
        what: such as ``commit`` or ``params.yaml: seed``.
        then: in the run.
        now: here.
        matters: whether other bytes must be expected of it.
    """

    what: str
    then: str
    now: str
    matters: bool = True


def differences(mlflow: Any, run: Any, root: Path) -> list[Difference]:
    """Hold a run's commit, changes, parameters, data, packages and machine against what is here."""
    tags, kept = run.data.tags, files(mlflow, run)
    now = provenance.tags(root)
    pairs = [
        Difference("commit", tags.get("mlflow.source.git.commit", "?"), now["mlflow.source.git.commit"]),
        Difference("changes since the commit", _changed(kept.get("changes.patch")), _changed(provenance.changes(root))),
        Difference("data", tags.get("data.digest", "?"), now["data.digest"]),
        Difference("machine", tags.get("machine", "?"), now["machine"], tags.get("machine", "?") != now["machine"]),
    ]
    found = [pair for pair in pairs if pair.then != pair.now]
    found += _parameters(kept.get("params.yaml", ""), (root / "params.yaml").read_text(encoding="utf-8"))
    return found + _packages(kept.get("packages.txt", ""), provenance.versions())


def files(mlflow: Any, run: Any) -> dict[str, str]:
    """What the run kept of where it comes from, by file name; a trial's is its study's."""
    keeper = run.info.run_id
    while True:
        names = {item.path for item in mlflow.MlflowClient().list_artifacts(keeper, _KEPT)}
        parent = mlflow.get_run(keeper).data.tags.get("mlflow.parentRunId")
        if names or not parent:
            break
        keeper = parent
    if not names:
        return {}
    folder = Path(mlflow.artifacts.download_artifacts(run_id=keeper, artifact_path=_KEPT))
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def made(run: Any) -> dict[str, str]:
    """The digests of what a run made, by path."""
    return {tag.removeprefix(OUTPUT_TAG): value for tag, value in run.data.tags.items() if tag.startswith(OUTPUT_TAG)}


def here(run: Any, root: Path) -> bool:
    """Whether dvc.lock holds just what the run made: then its outputs are those of this project now."""
    stages = dvc_lock.read(root)
    known = {out.path: out.digest for out in dvc_lock.outputs(stages)}
    known |= {made.path: made.digest for made in dvc_lock.made(stages, root)}
    outputs = made(run)
    return bool(outputs) and all(known.get(path) == digest for path, digest in outputs.items())


def commands(mlflow: Any, run: Any, root: Path) -> list[tuple[str, str]]:
    """What to type, beside this checkout, to make the run's outputs again; each with what it is for."""
    tags, run_id = run.data.tags, run.info.run_id
    commit, stage = tags.get("mlflow.source.git.commit", ""), tags.get("dvc.stage", "")
    folder = f"../{root.name}-{run_id[:8]}"
    steps = []
    if not _known(root, commit):
        steps.append(("git fetch --all", f"the commit {commit[:7]} is not in this clone"))
    steps.append((f"git worktree add --detach {folder} {commit}", "the run's commit, beside this checkout"))
    steps.append((f"cd {folder}", ""))
    if "changes.patch" in files(mlflow, run):
        patch = f"fakefaces reproduce {run_id[:8]} --patch | git -C {folder} apply"
        steps.insert(-1, (patch, "what was not committed when it ran"))
    steps.append(("make setup", "the packages of its uv.lock"))
    steps.append((f"uv run dvc repro {stage}".rstrip(), "the stages that lead to it, and its own"))
    return steps


def relogged(run: Any) -> bool:
    """Whether the run stands for one that is lost: then its commit and machine are those of the logging."""
    return run.data.tags.get(RELOGGED) == "true"


def _parameters(then: str, now: str) -> list[Difference]:
    before, after = _flat(yaml.safe_load(then) or {}), _flat(yaml.safe_load(now) or {})
    return [
        Difference(f"params.yaml: {key}", str(before.get(key, "-")), str(after.get(key, "-")))
        for key in [*before, *(key for key in after if key not in before)]
        if before.get(key) != after.get(key)
    ]


def _packages(then: str, now: Mapping[str, str]) -> list[Difference]:
    before = dict(line.split("==", 1) for line in then.splitlines() if "==" in line)
    if not before:
        return []
    found = []
    for name in sorted(set(before) | set(now)):
        if before.get(name) != now.get(name):
            matters = name in provenance.LIBRARIES
            found.append(Difference(name, before.get(name, "not installed"), now.get(name, "not installed"), matters))
    return sorted(found, key=lambda pair: not pair.matters)


def _changed(patch: str | None) -> str:
    count = sum(line.startswith("diff --git ") for line in (patch or "").splitlines())
    return f"{count} files" if count else "none"


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {prefix.rstrip("."): value}
    return {key: one for name, inner in value.items() for key, one in _flat(inner, f"{prefix}{name}.").items()}


def _known(root: Path, commit: str) -> bool:
    command = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0
