"""A disk that becomes full: one sentence with the true cause, nothing half-written, and the same command ends well."""

import shutil
from pathlib import Path

import pytest

from fakefaces.registry.store import Registry
from fakefaces.tracking.store import connect
from tests.conftest import ROOT
from tests.graphs import write_detector
from tests.scoring.conftest import rows_of, write_images
from tests.torture.conftest import Disk, Done, fakefaces, python
from tests.tracking.factories import RULE, models

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]

MUCH = 256 * 2**20  # bytes
STAGES = ("duplicates", "split", "validate", "augment", "prepare pixels", "prepare residuals", "train forensic")
_PROMOTE = """
import sys
from pathlib import Path
from fakefaces.base.stage import error_boundary
from fakefaces.registry.evidence import find_evidence
from fakefaces.tracking.digests import digest
from tests.tracking.factories import promoted
root = Path.cwd()
sys.exit(error_boundary(lambda: promoted(root, find_evidence(digest(root / "outputs/models/m"))) and None))
"""


def says_why(done: Done, folder: str) -> None:
    """It has failed, and says by one sentence that a disk is full, and where."""
    assert done.code == 1, done.err
    (error,) = done.errors()
    assert folder in error and ("No space left on device" in error or "disk is full" in error), error
    assert done.err.count("No space left") + done.err.count("disk is full") == 1, done.err


def leftovers(folder: Path) -> list[Path]:
    """Temporary files of writes that were not finished."""
    return [path for path in folder.rglob("*") if path.name.endswith((".tmp", ".partial"))]


@pytest.mark.parametrize("room", [0, 8_192, 65_536, 300_000])
def test_scores_whose_disk_is_full_go_on_when_there_is_room(tmp_path, disk, room):
    write_images(tmp_path / "in", 500, size=40)
    write_detector(tmp_path / "model")
    command = ["score", tmp_path / "in", tmp_path / "out", "--model", "model", "--jobs", 2, "--part-size", 5]
    output = disk(tmp_path / "out")
    output.leave(room)
    says_why(fakefaces(*command, cwd=tmp_path), "/out/")
    assert not leftovers(tmp_path / "out")
    output.leave(MUCH)
    done = fakefaces(*command, cwd=tmp_path)
    assert done.code == 0, done.err
    assert len(rows_of(tmp_path / "out")) == 500
    assert fakefaces("score", "--verify", tmp_path / "out", cwd=tmp_path).code == 0


def run_stage(stage: str, root: Path) -> Done:
    script, *key = stage.split()
    return python(ROOT / "pipelines" / f"{script}.py", *key, cwd=root)


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_stages_whose_outputs_do_not_fit_leave_what_was_there(workspace, disk, sqlite_tables):
    outputs, store = disk(workspace / "outputs"), disk_of_store(workspace, disk, sqlite_tables)
    (workspace / "outputs" / "tune").mkdir()
    (workspace / "outputs" / "tune" / "none.json").write_text('{"fit": {}, "settings": {}, "augment": {}}')
    for stage in STAGES:
        before = files(workspace / "outputs")
        for room in (0, 20_000):
            outputs.leave(room)
            done = run_stage(stage, workspace)
            if room == 0 or done.code:
                says_why(done, "/outputs")
                after = files(workspace / "outputs")
                assert {path: after[path] for path in before} == before
            assert not leftovers(workspace)
        outputs.leave(MUCH)
        done = run_stage(stage, workspace)
        assert done.code == 0, done.err
        assert files(workspace / "outputs") != before

    trained = files(workspace / "outputs" / "models")
    store.leave(20_000)
    done = run_stage(STAGES[-1], workspace)
    assert done.code == 0, done.err
    assert "No space left on device" in done.err or "disk is full" in done.err
    assert "fakefaces doctor --fix" in done.last_line()
    assert files(workspace / "outputs" / "models") == trained


def disk_of_store(workspace: Path, disk, tables: Path) -> Disk:
    store = disk(workspace / "mlruns")
    shutil.copy(tables, workspace / "mlruns" / "mlflow.db")
    return store


@pytest.mark.parametrize("room", [0, 16_384, 200_000])
def test_a_promotion_whose_store_is_full_is_done_when_there_is_room(workspace, disk, sqlite_tables, room):
    store = disk_of_store(workspace, disk, sqlite_tables)
    models(workspace, ("m", 3))
    store.leave(room)
    says_why(python("-c", _PROMOTE, cwd=workspace), "/mlruns/")
    store.leave(MUCH)
    done = python("-c", _PROMOTE, cwd=workspace)
    assert done.code == 0, done.err
    (version,) = Registry(RULE.name).versions()
    assert "champion" in version.aliases
    assert [(event.action, event.version) for event in Registry(RULE.name).history()] == [("champion", 1)]
    opened = connect()
    assert {str(model.status) for model in opened.client.search_logged_models([opened.experiment_id])} == {"READY"}
