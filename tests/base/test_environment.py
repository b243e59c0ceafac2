import os

import pytest

from fakefaces.base import environment
from fakefaces.base.secrets import masked


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"DVC_EXP_NAME": "brave-ant", "DVC_EXP_BASELINE_REV": "abc"}, "brave-ant"),
        ({"DVC_EXP_BASELINE_REV": "abc"}, "unnamed"),
        ({"DVC_EXP_NAME": ""}, None),
    ],
)
def test_an_experiment_has_its_name_or_none(workspace, monkeypatch, variables, expected):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment.dvc_experiment() == expected


def test_the_artifact_root_lies_beside_its_database(workspace, monkeypatch, tmp_path):
    assert environment.artifacts_root() == (workspace / "mlruns" / "artifacts").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other/store.db")
    assert environment.tracking_uri() == f"sqlite:///{workspace / 'other' / 'store.db'}"
    assert environment.artifacts_root() == (workspace / "other" / "artifacts").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@host/db")
    assert environment.artifacts_root() == (workspace / "mlruns" / "artifacts").as_uri()
    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", "s3://bucket")
    assert environment.artifacts_root() == "s3://bucket"
    assert masked(environment.tracking_uri()) == "postgresql://me:***@host/db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/absolute.db")
    assert environment.artifacts_root() == (tmp_path / "artifacts").as_uri()


def test_the_study_storage_is_the_database_that_is_named(workspace, monkeypatch):
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    assert environment.study_storage() is None
    monkeypatch.setenv("OPTUNA_STORAGE", "sqlite:///study.db")
    assert environment.study_storage() == f"sqlite:///{workspace / 'study.db'}"


def test_a_leftover_run_id_is_unset_and_the_users_settings_stay(monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "0123")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    monkeypatch.delenv("GX_ANALYTICS_ENABLED", raising=False)
    environment.set_defaults()
    environment.unset_run()
    assert "MLFLOW_RUN_ID" not in os.environ
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
