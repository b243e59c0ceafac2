"""What ``dvc.lock`` records: the outputs of the last run of each stage, and their parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fakefaces.base.errors import FakefacesError
from fakefaces.tracking.digests import digest

Stages = Mapping[str, Any]  # the section "stages" of dvc.lock


@dataclass(frozen=True)
class Output:
    """An output of a stage."""

    stage: str  # such as "train@vgg16"
    path: str  # as DVC spells it
    digest: str  # DVC's

    def is_current(self, root: Path) -> bool:
        """Whether the workspace holds it as dvc.lock records it."""
        return (root / self.path).exists() and digest(root / self.path) == self.digest


@dataclass(frozen=True)
class LoggedOutput(Output):
    """An output that a run with this role and name, in the store, must have written."""

    role: str
    name: str


def read_stages(root: Path) -> Stages:
    """The stages of ``dvc.lock`` by name; empty where nothing has run yet.

    Raises:
        FakefacesError: the file cannot be read.
    """
    path = root / "dvc.lock"
    if not path.is_file():
        return {}
    try:
        return dict((yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("stages", {}))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise FakefacesError(f"dvc.lock cannot be read ({reason}); restore it with: git checkout dvc.lock") from None


def outputs(stages: Stages) -> list[Output]:
    """All outputs that have a digest."""
    return [
        Output(stage, out["path"], out["md5"])
        for stage, lock in stages.items()
        for out in lock.get("outs", [])
        if "md5" in out
    ]


def logged_outputs(stages: Stages, root: Path) -> list[LoggedOutput]:
    """The outputs by which the runs behind dvc.lock are found.

    An evaluation's is a file of a folder, whose own digest dvc.lock does not record: it is computed if the folder in
    the workspace is current.
    """
    logged = []
    models = [stage.removeprefix("train@") for stage in stages if stage.startswith("train@")]
    for out in outputs(stages):
        role, _, name = out.stage.partition("@")
        if role == "train" and out.path == f"outputs/models/{name}":
            logged.append(LoggedOutput(out.stage, out.path, out.digest, "train", name))
        elif role == "tune" and out.path == "outputs/tune/best.json":
            logged.append(LoggedOutput(out.stage, out.path, out.digest, "tune", "tune"))
        elif role == "evaluate" and out.path == "reports/metrics" and out.is_current(root):
            for model in models:
                path = f"{out.path}/{model}.json"
                if (root / path).is_file():
                    logged.append(LoggedOutput(out.stage, path, digest(root / path), "evaluate", model))
    return logged


def parameters(stages: Stages, stage: str) -> dict[str, Any]:
    """The parameters that a stage ran with, by their keys in ``params.yaml``."""
    return dict(stages.get(stage, {}).get("params", {}).get("params.yaml", {}))
