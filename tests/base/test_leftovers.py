"""What killed processes leave behind is swept, and what living ones use is not."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fakefaces.base.leftovers import sweep_project, sweep_temporary, temporary_folder

CODE = """
import sys
from pathlib import Path
from fakefaces.base.files import atomic_write
from fakefaces.base.leftovers import temporary_folder
with temporary_folder() as folder, atomic_write(Path(sys.argv[1])) as aside:
    aside.mkdir()
    (folder / "photograph.jpg").touch()
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def test_a_temporary_folder_is_private_and_ends_with_its_block(temporary):
    with temporary_folder() as folder:
        assert folder.parent == temporary
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        sweep_temporary()
        assert folder.is_dir()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("target", ["explained", "outputs/heatmaps", "outputs/models/m/fold0", "reports/metrics"])
def test_what_a_killed_process_left_is_swept_and_what_a_living_one_uses_is_not(tmp_path, temporary, target):
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    own = root / "data" / ".mine.1.tmp"
    own.touch()
    child = subprocess.Popen(
        [sys.executable, "-c", CODE, str(root / target)],
        env=os.environ.copy(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    folder = Path(child.stdout.readline().strip())
    (aside,) = (root / target).parent.glob(".*.tmp")
    sweep_temporary()
    sweep_project(root)
    assert folder.is_dir() and aside.is_dir()
    child.kill()
    child.communicate()
    sweep_temporary()
    sweep_project(root)
    assert list(temporary.iterdir()) == []
    assert not aside.exists()
    assert own.exists()  # nothing is removed among the photographs
