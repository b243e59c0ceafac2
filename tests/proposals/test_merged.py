"""What was merged is promoted by the gate in a shared store, through an MLflow server that proxies the artifacts."""

import json
import os
import shutil

import pytest
import yaml

from tests.conftest import ROOT
from tests.serving.servers import tracking_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "promote.yaml").read_text())


def test_the_lines_of_main_promote_once_and_what_else_moves_the_alias_is_on_record(copied, tmp_path):
    project = copied("merged")
    shutil.copy(ROOT / "Makefile", project.root)
    (project.root / ".venv").mkdir()
    (project.root / ".venv" / ".ready").write_text(f"{project.root}\n")
    for name in ("pyproject.toml", "uv.lock"):
        (project.root / name).write_text("")
        os.utime(project.root / name, (0, 0))
    shutil.rmtree(project.root / "mlruns")  # a runner has the results from a cache, and no runs
    with tracking_server(tmp_path / "server") as url:
        environ = {"MAKEFLAGS": " -- RUN= UV=true", "MLFLOW_TRACKING_URI": url}

        def run(*command: str) -> str:
            return project.run(*command, **environ).stdout

        def events() -> list[tuple[str, int, str]]:
            history = json.loads(run("fakefaces", "registry", "--json"))["history"]
            return [(event["action"], event["version"], event["reason"]) for event in history]

        for _ in range(2):  # nothing changes where the same commit is promoted again
            for step in WORKFLOW["jobs"]["promote"]["steps"]:
                if "run" in step:
                    run("bash", "-e", "-c", step["run"])
            assert events() == [("champion", 1, "there was no champion")]
        assert not (project.root / "mlruns").exists()
        assert list((tmp_path / "server" / "files").rglob("kept_examples/scores.json"))
        assert "Compared with the champion, version 1 of fake-faces" in run("fakefaces", "pr-report", "--base", "HEAD")
        assert len(events()) == 1
        champion = json.loads(run("fakefaces", "registry", "--json"))["versions"][0]["model"]
        other = next(name for name in project.params()["train"]["models"] if name != champion)
        run("fakefaces", "promote", other, "--force", "the other one is faster")
        run("fakefaces", "promote", "--rollback")
        assert [event[:2] for event in events()] == [("champion", 1), ("champion", 2), ("rollback", 1)]
        assert events()[1][2].startswith("the other one is faster; the gate: ")
