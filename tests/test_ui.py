"""``make ui``: it prints and opens the runs, and each of MLflow's pages shows the models that a pipeline trained."""

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fakefaces.base.errors import FakefacesError
from fakefaces.cli.ui import ui
from fakefaces.tracking.pages import runs_page
from tests.browser import Browser, browser
from tests.conftest import Project

pytestmark = pytest.mark.timeout(1800)  # with the whole pipeline on a busy machine
MODELS = {"simple_cnn", "mobilenet", "custom_cnn_tuned", "forensic"}  # of tests/conftest.py's parameters
SECONDS = 120  # for a page to show something, on a busy machine
PROGRAM = """
import json
from fakefaces.tracking.store import connect
store = connect()
models = {model.name: model.model_id for model in store.client.search_logged_models([store.experiment_id])}
runs = {run.data.params["model"]: run.info.run_id for run in store.search_runs("tags.role = 'train'")}
print(json.dumps({"models": models, "runs": runs, "experiment": store.experiment_id}))
"""


@pytest.mark.parametrize(
    ("uri", "page"),
    [
        ("sqlite:///mlruns/mlflow.db", "http://127.0.0.1:5000/#/experiments/7/runs?workflowType=machine_learning"),
        ("https://host/mlflow/", "https://host/mlflow/#/experiments/7/runs?workflowType=machine_learning"),
    ],
)
def test_the_address_is_that_of_the_runs_of_models(uri, page, workspace, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert runs_page("7") == page
    assert runs_page(None) == f"{page.partition('/#/')[0]}/#/experiments"


@dataclass
class Pages:
    """MLflow's pages of a project whose pipeline has run, as ``fakefaces ui`` serves them.

    Attributes:
        address: what it printed.
        opened: what it opened in the browser.
        known: ids of ``models`` and ``runs`` by the names of models, and that of the ``experiment``.
    """

    address: str
    opened: str
    known: dict

    def page(self, rest: str) -> str:
        return f"{self.address.partition('/#/')[0]}/#/{rest}"


@pytest.fixture(scope="module")
def pages(reproduced: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("ui")
    program = folder / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {folder / "opened"}\n')
    program.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = json.loads(reproduced.run("python", "-c", PROGRAM).stdout.splitlines()[-1])
    said = (folder / "said").open("w")
    server = subprocess.Popen(
        ["fakefaces", "ui", "--port", str(port)],
        cwd=reproduced.root,
        env=reproduced.environ(BROWSER=str(program)),
        stdout=said,
        stderr=said,
    )
    try:
        for _ in range(1200):
            lines = re.findall(r"the runs are on (\S+)", (folder / "said").read_text())
            if lines and (folder / "opened").is_file():
                break
            assert server.poll() is None, (folder / "said").read_text()
            time.sleep(0.25)
        yield Pages(lines[0], (folder / "opened").read_text().strip(), known)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        said.close()


@pytest.fixture(scope="module")
def chromium(pages: Pages) -> Iterator[Browser]:
    with browser() as opened:
        opened.size(1600, 1400)
        yield opened


def fresh(chromium: Browser, page: str) -> None:
    """Load a page anew: between addresses that differ after the # alone a browser loads nothing."""
    chromium.open("about:blank")
    chromium.open(page)


def wait_for(chromium: Browser, *texts: str) -> str:
    """Wait until a page shows texts; its whole text."""
    listed = json.dumps([text.lower() for text in texts])
    shown = f"const shown = document.body.innerText.toLowerCase(); return {listed}.every(t => shown.includes(t))"
    chromium.wait(shown, SECONDS)
    return str(chromium.run("return document.body.innerText"))


@pytest.mark.slow
def test_the_address_is_printed_and_opened_and_the_end_of_a_run_names_the_page(pages, reproduced):
    assert pages.address.endswith(f"/#/experiments/{pages.known['experiment']}/runs?workflowType=machine_learning")
    assert pages.opened == pages.address
    said = reproduced.run("python", "pipelines/promote.py", DVC_STAGE="promote").stderr.splitlines()
    page = runs_page(pages.known["experiment"], "http://127.0.0.1:5000")
    assert said[-1] == f"compare the models at {page} (make ui serves and opens it)"


@pytest.mark.slow
def test_the_list_has_the_description_and_below_the_pipeline_a_row_for_each_model(pages, chromium):
    fresh(chromium, pages.address)
    wait_for(chromium, "matching runs", "Detectors of faked face photographs", "repro-")
    names = "[...document.querySelectorAll('.ag-row a[href*=\"/runs/\"]')].map(link => link.innerText)"
    chromium.wait("return document.querySelector('.ag-row button')", SECONDS)
    assert not MODELS & set(chromium.run(f"return {names}"))
    chromium.run("document.querySelector('.ag-row button').click()")
    chromium.wait(f"return {json.dumps(sorted(MODELS))}.every(name => {names}.includes(name))", SECONDS)
    shown = chromium.run(f"return {names}")
    assert {name: shown.count(name) for name in MODELS} == dict.fromkeys(MODELS, 1)


@pytest.mark.slow
def test_a_logged_model_has_a_name_metrics_and_the_images_that_they_are_of(pages, chromium):
    assert set(pages.known["models"]) == MODELS | {f"{name}-registered" for name in MODELS} & set(pages.known["models"])
    for name in ("forensic", next(name for name in pages.known["models"] if name.endswith("-registered"))):
        fresh(chromium, pages.page(f"experiments/{pages.known['experiment']}/models/{pages.known['models'][name]}"))
        shown = wait_for(chromium, "Datasets used", "test (#", "Metrics (")
        assert int(re.search(r"Metrics \((\d+)\)", shown).group(1)) > 20
        assert "scores a face from 0 (real) to 1 (fake)" in shown


@pytest.mark.slow
def test_a_run_has_its_description_parameters_and_system_metrics(pages, chromium):
    run = f"experiments/{pages.known['experiment']}/runs/{pages.known['runs']['forensic']}"
    fresh(chromium, pages.page(run))
    shown = wait_for(chromium, "Parameters (", "Metrics (", "scores a face")
    assert int(re.search(r"Metrics \((\d+)\)", shown).group(1)) > 40
    fresh(chromium, pages.page(f"{run}/system-metrics"))
    wait_for(chromium, "cpu_utilization_percentage")


@pytest.mark.slow
def test_a_registered_version_says_what_it_achieves_and_what_it_is_not_for(pages, chromium):
    fresh(chromium, pages.page("models/fake-faces/versions/1"))
    shown = wait_for(chromium, "It must not be used for", "ROC AUC on", "there was no champion")
    assert re.search(r"ROC AUC on \d+ test images", shown)


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_a_port_in_use_is_refused_before_anything_is_started(tracked):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FakefacesError, match=f"port {port} is in use"):
            ui(port=port, show=False)
