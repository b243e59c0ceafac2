import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.tracking.detectors import log_detector
from fakefaces.tracking.digests import digest
from fakefaces.tracking.runs import stage_run


def write_detector(root: Path, name: str, text: str = "weights") -> None:
    """A detector's folder as far as the store looks into it: no network is loaded here."""
    folder = root / "outputs" / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.keras").write_text(text)
    (folder / "network.onnx").write_text(text)
    metadata = DetectorMetadata(
        model=name, kind="simple_cnn", image_size=32, weights="trained from scratch", threshold=0.5, parameters=7
    )
    (folder / "detector.json").write_text(metadata.model_dump_json())
    (root / "reports" / "history").mkdir(parents=True, exist_ok=True)
    (root / "reports" / "history" / f"{name}.csv").write_text("epoch,loss,val_loss\n1.0,0.7,0.8\n2.0,0.6,0.7\n")


def lock(root: Path, *names: str) -> None:
    """dvc.lock, as if these models had been trained."""
    params = yaml.safe_load((root / "params.yaml").read_text())
    stages = {
        f"train@{name}": {
            "cmd": f"python pipelines/train.py {name}",
            "params": {
                "params.yaml": {
                    "seed": 20,
                    "threads": 2,
                    "train.fit": params["train"]["fit"],
                    f"train.models.{name}": params["train"]["models"][name],
                }
            },
            "outs": [
                {"path": path, "md5": digest(root / path)}
                for path in (f"outputs/models/{name}", f"reports/history/{name}.csv")
            ],
        }
        for name in names
    }
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


@pytest.fixture
def trained(tracked: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Train a model as far as git, dvc.lock and the store are concerned; gives the run's id."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")  # as `uv run` has it

    def train(name: str = "simple_cnn", text: str = "weights", **metrics: float) -> str:
        write_detector(tracked, name, text)
        paths = (f"outputs/models/{name}", f"reports/history/{name}.csv")
        with stage_run(name, role="train", tags={"dvc.stage": f"train@{name}"}) as run:
            run.params({"model": name, "seed": 20})
            run.metrics(metrics)
            photograph = next((tracked / "data" / "training_real").iterdir())
            log_detector(run, tracked / paths[0], photograph.read_bytes())
            run.log_outputs(*paths)
        lock(tracked, name)
        return run.id

    return train
