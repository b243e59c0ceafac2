"""dvc.lock is true for the sample: `make check-lock`, a job of its own, since an edit may land before its full run."""

import re
import shutil
from functools import reduce

import pytest
import yaml

from fakefaces.tracking.digests import digest
from tests.conftest import ROOT

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
pytestmark = pytest.mark.lock


@pytest.fixture(scope="module")
def locked():
    return yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]


@pytest.fixture(scope="module")
def params():
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def test_it_is_of_this_code(locked, tmp_path):
    for folder in ("src", "pipelines"):  # without what .dvcignore leaves out
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    stale = {
        f"{stage}: {dep['path']}"
        for stage, body in locked.items()
        for dep in body["deps"]
        if dep["path"].split("/")[0] in ("src", "pipelines")
        and not ((tmp_path / dep["path"]).exists() and digest(tmp_path / dep["path"]) == dep["md5"])
    }
    assert not stale, "run dvc repro and commit dvc.lock"


def test_it_is_of_these_parameters(locked, params):
    stale = {
        f"{stage}: {key}"
        for stage, body in locked.items()
        for key, value in body.get("params", {}).get("params.yaml", {}).items()
        if reduce(lambda section, part: (section or {}).get(part), key.split("."), params) != value
    }
    assert not stale, "run dvc repro and commit dvc.lock"


def test_it_names_every_stage_and_no_other(locked, params):
    wanted = {name for name, body in STAGES.items() if "foreach" not in body}
    wanted |= {f"prepare@{name}" for name in params["prepare"]["features"]}
    wanted |= {f"train@{name}" for name in params["train"]["models"]}
    assert set(locked) == wanted


def test_every_stage_depends_in_it_on_what_dvc_yaml_says(locked, params):
    for stage, body in locked.items():
        name, _, key = stage.partition("@")
        values = {"src": "src/fakefaces", "tune.kind": params["tune"]["kind"]}
        if name == "train":
            values["item.kind"] = params["train"]["models"][key]["kind"]
        deps = STAGES[name].get("do", STAGES[name])["deps"]
        code = [re.sub(r"\$\{(.+?)\}", lambda match: values[match[1]], dep) for dep in deps if "${src}" in dep]  # noqa: B023
        assert {dep["path"] for dep in body["deps"] if dep["path"].startswith("src/")} == set(code), stage
