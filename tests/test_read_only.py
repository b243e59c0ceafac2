"""Who only reads needs no right to write: on a mount that forbids it, at the store's own path and at another one."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Project

READERS = (
    "fakefaces predict photo.jpg",
    "fakefaces registry",
    "fakefaces runs",
    "fakefaces reproduce champion",
    "fakefaces promote --dry-run",
    "fakefaces doctor",
    "fakefaces check",
    "fakefaces results",
    "fakefaces data samples --replace --dry-run",
    "fakefaces data --update --dry-run",
    'fakefaces explain champion photo.jpg --to "$TMPDIR/explained"',
    'fakefaces score photo.jpg "$TMPDIR/scores"',
)
SERVER = "timeout --signal INT --preserve-status 60 fakefaces serve --port 0"
WRITERS = ("fakefaces promote 1 --force reason", "fakefaces promote --rollback")


def can_mount() -> bool:
    """Whether this user may mount: root passes over modes, so that only a mount forbids it to write."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
@pytest.mark.parametrize("moved", [False, True], ids=["in place", "moved"])
def test_commands_that_read_work_and_those_that_write_say_why_not(
    copied: Callable[[str], Project], tmp_path: Path, moved: bool
) -> None:
    if not can_mount():
        pytest.skip("mounts are not allowed here")
    project = copied("project")
    project.run("fakefaces", "doctor", "--fix")  # the copy's own paths
    shutil.copy(next((project.root / "samples" / "training_fake").iterdir()), project.root / "photo.jpg")
    root = tmp_path / "elsewhere" if moved else project.root
    root.mkdir(exist_ok=True)

    (tmp_path / "temporary").mkdir()

    def run(command: str) -> subprocess.CompletedProcess[str]:
        variables = {"PYTHONPATH": str(root / "src"), "TMPDIR": str(tmp_path / "temporary")}
        mount = f"mount --bind {project.root} {root} && mount -o remount,ro,bind {root} && cd {root} && {command}"
        return project.run("unshare", "--mount", "bash", "-c", mount, check=False, **variables)

    for command in READERS:
        done = run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "serving at http://127.0.0.1:" in run(SERVER).stderr
    for command in WRITERS:
        done = run(command)
        assert done.returncode == 1
        assert "it may only be read here; run this where its folder may be written" in done.stderr
        assert "Traceback" not in done.stderr
