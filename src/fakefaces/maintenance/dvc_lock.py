"""What ``dvc.lock`` records: the outputs of the last run of each stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fakefaces.base.errors import FakefacesError
from fakefaces.params.file import Params
from fakefaces.tracking.digests import digest

Stages = Mapping[str, Any]  # the section "stages" of dvc.lock


@dataclass(frozen=True)
class Output:
    """An output of a stage."""

    stage: str  # such as "train@vgg16"
    path: str  # as DVC spells it
    digest: str  # DVC's

    @property
    def role(self) -> str:
        """The role of the run that wrote it: the stage without its item."""
        return self.stage.partition("@")[0]

    @property
    def run_name(self) -> str:
        """The name of the run that wrote it: of training and evaluation the model's."""
        return Path(self.path).stem if self.role == "evaluate" else self.stage.rpartition("@")[2]

    def is_current(self, root: Path) -> bool:
        """Whether the workspace holds it as dvc.lock records it."""
        return (root / self.path).exists() and digest(root / self.path) == self.digest


def read_stages(root: Path) -> Stages:
    """The stages of ``dvc.lock`` by name; empty where nothing has run yet."""
    path = root / "dvc.lock"
    if not path.is_file():
        return {}
    try:
        return dict((yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("stages", {}))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise FakefacesError(f"dvc.lock cannot be read ({reason}); restore it with: git checkout dvc.lock") from None


def stages_of(stages: Stages, params: Params) -> Stages:
    """The stages that ``params.yaml`` still names: DVC leaves those of a removed model or feature set in dvc.lock."""
    named: dict[str, Mapping[str, Any]] = {"train": params.train.models, "prepare": params.prepare.features}
    items = {stage: stage.partition("@") for stage in stages}
    return {
        stage: stages[stage]
        for stage, (section, _, item) in items.items()
        if section not in named or item in named[section]
    }


def outputs(stages: Stages) -> list[Output]:
    """All outputs that have a digest."""
    return [
        Output(stage, out["path"], out["md5"])
        for stage, lock in stages.items()
        for out in lock.get("outs", [])
        if "md5" in out
    ]


def logged_outputs(stages: Stages, root: Path) -> list[Output]:
    """The outputs by which the runs behind dvc.lock are found.

    An evaluation's is a file of a folder, whose own digest dvc.lock does not record: it is computed if the folder in
    the workspace is current.
    """
    logged = []
    for out in outputs(stages):
        if (out.role, out.path) in (("train", f"outputs/models/{out.run_name}"), ("tune", "outputs/tune/best.json")):
            logged.append(out)
        elif (out.role, out.path) == ("evaluate", "reports/metrics") and out.is_current(root):
            models = [stage.removeprefix("train@") for stage in stages if stage.startswith("train@")]
            paths = [f"{out.path}/{model}.json" for model in models]
            logged += [Output(out.stage, path, digest(root / path)) for path in paths if (root / path).is_file()]
    return logged
