"""The advice where nothing was promoted leads to a champion."""

from pathlib import Path

import pytest

from fakefaces.base.errors import TrackingError
from fakefaces.base.paths import Layout
from fakefaces.cli.registry import registry
from fakefaces.tracking.detectors import fetch_detector
from fakefaces.tracking.unpromoted import how_to_promote


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("brought", "advice"),
    [
        (False, "train and promote one with: dvc repro"),
        (True, "promote the project's outputs with: fakefaces doctor --fix"),
    ],
)
def test_what_to_do_depends_on_whether_the_outputs_are_there(tracked: Path, capsys, brought, advice):
    """``dvc repro`` has nothing to do in a clone whose outputs came by ``dvc pull``."""
    if brought:
        candidate = Layout(tracked).candidate
        candidate.parent.mkdir(parents=True, exist_ok=True)
        candidate.write_text("{}")
    with pytest.raises(TrackingError, match=advice):
        fetch_detector("models:/fake-faces@champion")
    registry(as_json=False, last=20)
    assert f"no version yet; {'log and ' if brought else ''}{advice}" in capsys.readouterr().out


def test_outside_a_project_there_is_only_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert how_to_promote() == "train and promote one with: dvc repro"
