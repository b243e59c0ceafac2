"""Where the files of a model are copied to: what MLflow would leave behind lies in a folder of ours."""

import subprocess
import sys
from pathlib import Path

CODE = """
import stat
from pathlib import Path
from fakefaces.base import environment
from fakefaces.tracking.read_only import download_folder
folder = download_folder(environment.tracking_uri())
print(folder, folder and oct(stat.S_IMODE(Path(folder).stat().st_mode)))
"""


def folder_of(monkeypatch, uri: str) -> list[str]:
    """The folder that a process gets, and its mode."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout.split()


def test_a_download_lies_in_a_private_folder_that_goes_with_its_process(workspace, monkeypatch):
    folder, mode = folder_of(monkeypatch, "http://127.0.0.1:1")
    assert mode == "0o700"
    assert not Path(folder).exists()


def test_what_is_local_is_read_in_its_place(workspace, monkeypatch):
    assert folder_of(monkeypatch, "sqlite:///mlruns/mlflow.db") == ["None", "None"]
