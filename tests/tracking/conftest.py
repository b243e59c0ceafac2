import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(params=["sqlite"])
def tracked(workspace: Path) -> Path:
    """The ``workspace`` under git, with an empty MLflow store."""
    (workspace / "mlruns").mkdir()
    code = (
        f"import mlflow; mlflow.set_tracking_uri('sqlite:///{workspace}/mlruns/mlflow.db'); mlflow.search_experiments()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    for line in ("init -q", "add dvc.yaml params.yaml", "-c user.name=t -c user.email=t@t commit -qm start"):
        subprocess.run(["git", *line.split()], cwd=workspace, check=True)
    return workspace
