"""How a run differs from this checkout, and the commands that reproduce its outputs; nothing is changed."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from fakefaces.maintenance import dvc_lock
from fakefaces.tracking import provenance
from fakefaces.tracking.runs import OUTPUT_TAG, RELOGGED, flatten
from fakefaces.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run as RunRecord


@dataclass(frozen=True)
class Difference:
    """A difference between a run and this checkout."""

    name: str  # such as "commit" or "params.yaml: seed"
    run: str
    here: str
    matters: bool = True  # whether the outputs may differ because of it


@dataclass(frozen=True)
class Reproduction:
    """A run and this checkout."""

    run: "RunRecord"
    files: Mapping[str, str]  # the run's logged provenance, by file name
    root: Path  # the project's folder

    @classmethod
    def of(cls, store: Store, run: "RunRecord", root: Path) -> "Reproduction":
        """Read the provenance of a run; a trial's is its study's."""
        run_id = run.info.run_id
        while True:
            names = store.client.list_artifacts(run_id, "provenance")
            parent = store.client.get_run(run_id).data.tags.get("mlflow.parentRunId")
            if names or not parent:
                break
            run_id = parent
        files = {}
        if names:
            folder = Path(store.client.download_artifacts(run_id, "provenance"))
            files = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
        return cls(run, files, root)

    @property
    def outputs(self) -> dict[str, str]:
        """The digests of the run's outputs, by path."""
        tags = self.run.data.tags.items()
        return {tag.removeprefix(OUTPUT_TAG): value for tag, value in tags if tag.startswith(OUTPUT_TAG)}

    @property
    def is_current(self) -> bool:
        """Whether dvc.lock records the run's outputs: then they are those of this project now."""
        stages = dvc_lock.read_stages(self.root)
        recorded = [*dvc_lock.outputs(stages), *dvc_lock.logged_outputs(stages, self.root)]
        digests = {output.path: output.digest for output in recorded}
        return bool(self.outputs) and all(digests.get(path) == md5 for path, md5 in self.outputs.items())

    @property
    def is_relogged(self) -> bool:
        """Whether the run stands for a lost one: then its commit and machine are those of the logging."""
        return self.run.data.tags.get(RELOGGED) == "true"

    def differences(self) -> list[Difference]:
        """The differences in commit, changes, data, machine, parameters and packages."""
        tags, here = self.run.data.tags, provenance.tags(self.root)
        commit, changes = "mlflow.source.git.commit", provenance.changes(self.root)
        pairs = [
            Difference("commit", tags.get(commit, "?"), here[commit]),
            Difference(
                "uncommitted changes", _changed_files(self.files.get("changes.patch", "")), _changed_files(changes)
            ),
            Difference("data", tags.get("data.digest", "?"), here["data.digest"]),
            Difference("machine", tags.get("machine", "?"), here["machine"]),
        ]
        return [
            *(pair for pair in pairs if pair.run != pair.here),
            *_parameters(self.files.get("params.yaml", ""), (self.root / "params.yaml").read_text(encoding="utf-8")),
            *_packages(self.files.get("packages.txt", ""), provenance.versions()),
        ]

    def commands(self) -> list[tuple[str, str]]:
        """The commands that reproduce the run's outputs beside this checkout, each with its purpose."""
        tags, run_id = self.run.data.tags, self.run.info.run_id
        commit, stage = tags.get("mlflow.source.git.commit", ""), tags.get("dvc.stage", "")
        folder = f"../{self.root.name}-{run_id[:8]}"
        steps = []
        if not _has_commit(self.root, commit):
            steps.append(("git fetch --all", f"the commit {commit[:7]} is not in this clone"))
        steps.append((f"git worktree add --detach {folder} {commit}", "the run's commit, beside this checkout"))
        if "changes.patch" in self.files:
            patch = f"fakefaces reproduce {run_id[:8]} --patch | git -C {folder} apply"
            steps.append((patch, "the changes that were not committed"))
        steps.append((f"cd {folder}", ""))
        steps.append(("make setup", "the packages of its uv.lock"))
        steps.append((f"uv run dvc repro {stage}".rstrip(), "the stage, and those that it depends on"))
        return steps


def _parameters(run: str, here: str) -> list[Difference]:
    before, after = flatten(yaml.safe_load(run) or {}), flatten(yaml.safe_load(here) or {})
    return [
        Difference(f"params.yaml: {key}", str(before.get(key, "-")), str(after.get(key, "-")))
        for key in before | after
        if before.get(key) != after.get(key)
    ]


def _packages(run: str, here: Mapping[str, str]) -> list[Difference]:
    before = dict(line.split("==", 1) for line in run.splitlines() if "==" in line)
    if not before:
        return []
    missing = "not installed"
    differences = [
        Difference(name, before.get(name, missing), here.get(name, missing), matters=name in provenance.LIBRARIES)
        for name in sorted(before.keys() | here.keys())
        if before.get(name) != here.get(name)
    ]
    return sorted(differences, key=lambda difference: not difference.matters)


def _changed_files(patch: str) -> str:
    count = sum(line.startswith("diff --git ") for line in patch.splitlines())
    return f"{count} files" if count else "none"


def _has_commit(root: Path, commit: str) -> bool:
    command = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0
