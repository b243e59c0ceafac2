"""Where a URI led to in a sqlite store is remembered until the store changes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fakefaces.base.errors import TrackingError
from fakefaces.tracking import detectors, remembered
from fakefaces.tracking.detectors import fetch_detector
from fakefaces.tracking.store import connect
from tests.tracking.factories import evaluated, promoted, trained

pytestmark = pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
CHAMPION = "models:/fake-faces@champion"


@pytest.fixture
def asked(tracked: Path, monkeypatch) -> list[str]:
    """A store with a champion; grows by one whenever MLflow is asked for a detector."""
    for name in ("one", "two"):
        trained(tracked, name)
        promoted(tracked, evaluated(tracked, name, 1 if name == "one" else 3))
    calls: list[str] = []
    open_store = detectors.connect

    def connected(**options):
        calls.append("MLflow")
        return open_store(**options)

    monkeypatch.setattr(detectors, "connect", connected)
    return calls


def test_a_champion_is_looked_up_once_and_again_when_the_alias_moves(asked):
    first = fetch_detector(CHAMPION)
    assert fetch_detector(CHAMPION) == first
    assert len(asked) == 1
    client = connect().client
    (champion,) = [v for v in client.search_model_versions("name = 'fake-faces'") if v.version == 1]
    client.set_registered_model_alias("fake-faces", "champion", champion.version)
    other = fetch_detector(CHAMPION)
    assert len(asked) == 2
    assert other != first
    assert fetch_detector(CHAMPION) == other
    assert fetch_detector("models:/fake-faces/2") == first
    assert len(asked) == 3


def test_a_folder_that_has_gone_is_looked_up_again(asked):
    shutil.rmtree(fetch_detector(CHAMPION).parents[1])
    with pytest.raises(TrackingError):
        fetch_detector(CHAMPION)
    assert len(asked) == 2


def test_what_cannot_be_remembered_is_looked_up_each_time(asked, tracked, monkeypatch):
    def refused(path, value):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as read_only:
        read_only.setattr(remembered, "write_json", refused)
        assert fetch_detector(CHAMPION) == fetch_detector(CHAMPION)
        assert len(asked) == 2
    (tracked / "mlruns" / ".fetched.json").write_text("{")
    assert fetch_detector(CHAMPION) == fetch_detector(CHAMPION)
    assert len(asked) == 3


@pytest.mark.slow
def test_a_remembered_champion_scores_without_mlflow(asked, tracked, loaded, photographs):
    trained(tracked, "real", detector=loaded.folder)
    promoted(tracked, evaluated(tracked, "real", 9))
    fetch_detector(CHAMPION)
    code = f"""
import sys
from fakefaces.cli import main
sys.argv = ["fakefaces", "predict", {str(next(photographs.rglob("*.jpg")))!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print([name for name in ("mlflow", "keras", "tensorflow", "pandas") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
