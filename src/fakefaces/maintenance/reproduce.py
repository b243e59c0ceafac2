"""How a run differs from this checkout, and the commands that reproduce its outputs; nothing is changed."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
        run_id: str | None = run.info.run_id
        while run_id:
            if store.client.list_artifacts(run_id, "provenance"):
                with store.artifacts(run_id, "provenance") as folder:
                    return cls(run, {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}, root)
            run_id = store.client.get_run(run_id).data.tags.get("mlflow.parentRunId")
        return cls(run, {}, root)

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
        state = _state(self.run.data.tags, self.files.get("changes.patch", ""))
        state_here = _state(provenance.tags(self.root), provenance.changes(self.root))
        params_here = _params((self.root / "params.yaml").read_text(encoding="utf-8"))
        return [
            *_differences(state, state_here),
            *_differences(_params(self.files.get("params.yaml", "")), params_here),
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


def _state(tags: Mapping[str, str], patch: str) -> dict[str, str]:
    count = sum(line.startswith("diff --git ") for line in patch.splitlines())
    return {
        "commit": tags.get("mlflow.source.git.commit", "?"),
        "uncommitted changes": f"{count} files" if count else "none",
        "data": tags.get("data.digest", "?"),
        "machine": tags.get("machine", "?"),
    }


def _params(text: str) -> dict[str, str]:
    return {f"params.yaml: {key}": str(value) for key, value in flatten(yaml.safe_load(text) or {}).items()}


def _packages(text: str, here: dict[str, str]) -> list[Difference]:
    versions = dict(line.split("==", 1) for line in text.splitlines() if "==" in line)
    differences = _differences(versions, here, absent="not installed") if versions else []
    differences = [replace(package, matters=package.name in provenance.LIBRARIES) for package in differences]
    return sorted(differences, key=lambda package: (not package.matters, package.name))


def _differences(run: dict[str, str], here: dict[str, str], absent: str = "-") -> list[Difference]:
    return [
        Difference(name, run.get(name, absent), here.get(name, absent))
        for name in run | here
        if run.get(name) != here.get(name)
    ]


def _has_commit(root: Path, commit: str) -> bool:
    command = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0
