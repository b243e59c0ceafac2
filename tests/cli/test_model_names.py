"""One grammar for the names of models."""

from pathlib import Path

import pytest

from fakefaces.base.errors import FakefacesError
from fakefaces.base.paths import Layout
from fakefaces.cli.arguments import detector_folder
from fakefaces.cli.model_names import as_promoted, model_source, registered_name
from fakefaces.tracking import detectors
from tests.cli.test_commands import write_metadata


def test_a_model_of_the_pipeline_is_its_folder_and_with_folds_the_first(workspace):
    layout = Layout(workspace)
    single = write_metadata(layout.model("single"))
    first, _ = (write_metadata(layout.detector("folds", k, 2)) for k in range(2))
    elsewhere = write_metadata(workspace / "elsewhere")
    assert model_source("single") == detector_folder("single") == single
    assert model_source("folds") == first
    assert model_source(str(elsewhere)) == elsewhere
    assert as_promoted(str(first)) == "folds"
    assert [as_promoted(name) for name in ("single", str(elsewhere), "3")] == ["single", str(elsewhere), "3"]


def test_what_is_registered_is_fetched_by_its_uri(workspace, monkeypatch):
    fetched: list[str] = []
    monkeypatch.setattr(detectors, "fetch_detector", lambda uri: fetched.append(uri) or Path("fetched"))
    names = [None, "champion", "challenger", "3", "v3", "models:/other/3"]
    assert {detector_folder(name) for name in names} == {Path("fetched")}
    assert registered_name() == "fake-faces"
    champion, version = "models:/fake-faces@champion", "models:/fake-faces/3"
    assert fetched == [champion, champion, "models:/fake-faces@challenger", version, version, "models:/other/3"]


def test_an_unknown_name_is_answered_with_the_known_ones(workspace):
    with pytest.raises(FakefacesError, match="mobilnet: no such model; did you mean mobilenet\\? Known are champion, "):
        model_source("mobilnet")
    with pytest.raises(FakefacesError, match="forensic: not trained yet; train it with: dvc repro train@forensic"):
        model_source("forensic")
    with pytest.raises(FakefacesError, match="mlflow.db: there is no such file"):
        model_source("0123456789")
