"""What ``dvc.lock`` says: what was made last, and with which parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fakefaces.base.errors import FakefacesError
from fakefaces.tracking.digests import digest


@dataclass(frozen=True)
class Output:
    """One output of a stage.

    Attributes:
        stage: such as ``train@vgg16``.
        path: as DVC spells it.
        digest: DVC's.
    """

    stage: str
    path: str
    digest: str


@dataclass(frozen=True)
class Made:
    """An output that a run should be known to have made.

    Attributes:
        role: of the run.
        name: of the run.
        path: of the output.
        digest: DVC's of it.
        stage: that makes it.
    """

    role: str
    name: str
    path: str
    digest: str
    stage: str


def read(root: Path) -> Mapping[str, Any]:
    """The stages of ``dvc.lock`` by name; none where nothing has run yet.

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


def outputs(stages: Mapping[str, Any]) -> list[Output]:
    """All outputs that have a digest."""
    return [
        Output(name, out["path"], out["md5"])
        for name, body in stages.items()
        for out in body.get("outs", [])
        if "md5" in out
    ]


def made(stages: Mapping[str, Any], root: Path) -> list[Made]:
    """What the runs that dvc.lock stands for made.

    An evaluation makes one file of a folder, whose digest dvc.lock does not hold; it is read from the folder where
    that is as locked.
    """
    found = []
    for out in outputs(stages):
        role, _, name = out.stage.partition("@")
        if role == "train" and out.path == f"outputs/models/{name}":
            found.append(Made("train", name, out.path, out.digest, out.stage))
        elif role == "tune" and out.path == "outputs/tune/best.json":
            found.append(Made("tune", "tune", out.path, out.digest, out.stage))
        elif role == "evaluate" and out.path == "reports/metrics" and is_as_locked(root, out):
            models = [stage.partition("@")[2] for stage in stages if stage.startswith("train@")]
            files = {model: root / out.path / f"{model}.json" for model in models}
            found += [
                Made("evaluate", model, f"{out.path}/{model}.json", digest(path), out.stage)
                for model, path in files.items()
                if path.is_file()
            ]
    return found


def is_as_locked(root: Path, out: Output | Made) -> bool:
    """Whether an output lies in the workspace as dvc.lock has it."""
    return (root / out.path).exists() and digest(root / out.path) == out.digest


def parameters(stages: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """What of ``params.yaml`` a stage was made with."""
    return dict(stages.get(stage, {}).get("params", {}).get("params.yaml", {}))
