"""``fakefaces score`` and the advice of ``predict``, with a trained detector's folder."""

import csv
import importlib
import json
import re
import shutil

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from fakefaces.base.errors import DataError
from fakefaces.cli import app
from fakefaces.inference import detector
from fakefaces.inference.predict import score_files
from fakefaces.inference.score import COLUMNS
from fakefaces.monitoring.shadow import in_share
from fakefaces.monitoring.shadow_log import read_pairs
from fakefaces.tracking import detectors
from tests.conftest import write_photographs
from tests.detectors import copy_detector


def run(*arguments: object):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def job(workspace, loaded, tmp_path):
    copy_detector(loaded, workspace / "model")
    return write_photographs(tmp_path / "in", reals=6, fakes=5), tmp_path / "out"


def test_scores_are_those_of_predict_and_pass_their_verification(job, workspace):
    source, output = job
    done = run("score", source, output, "--model", "model", "--jobs", 2, "--part-size", 4)
    assert done.exit_code == 0 and not done.stdout
    assert re.search(r"out: 11 images: \d+ fake, \d+ real \(0 of them unsure\), no problems\n$", done.stderr)
    rows = [row for path in sorted(output.glob("part-*")) for row in pq.read_table(path).to_pylist()]
    files = sorted(source.rglob("*.jpg"))
    scores = [{name: row[name] for name in COLUMNS} for row in rows]
    assert scores == [score.row() for score in score_files(detector.load(workspace / "model"), files, threads=1)]
    verified = run("score", "--verify", output)  # by the model that the receipt names
    assert verified.exit_code == 0
    assert "11 images have a row each" in verified.stderr and "11 scored again, and agree" in verified.stderr
    files[3].write_bytes(files[2].read_bytes())
    assert isinstance(run("score", "--verify", output).exception, DataError)


def test_the_champion_is_the_default_and_the_receipt_names_its_version(job, workspace, monkeypatch):
    source, output = job
    (workspace / "fetched" / "artifacts").mkdir(parents=True)
    (workspace / "model").rename(workspace / "fetched" / "artifacts" / "detector")
    note = "model_name: fake-faces\nmodel_version: '7'\n"  # as MLflow writes it beside what it downloads
    (workspace / "fetched" / "registered_model_meta").write_text(note)
    fetched: list[str] = []
    folder = workspace / "fetched" / "artifacts" / "detector"
    monkeypatch.setattr(detectors, "fetch_detector", lambda uri: fetched.append(uri) or folder)
    assert run("score", source, output, "--jobs", 1).exit_code == 0
    described = pq.read_schema(output / "part-00000.parquet").metadata[b"fakefaces"].decode()
    assert '"source": "models:/fake-faces/7"' in described and '"version": "7"' in described
    assert pq.read_table(output / "part-00000.parquet")["model_version"].to_pylist() == ["7"] * 11
    assert run("score", "--verify", output).exit_code == 0
    assert fetched == ["models:/fake-faces@champion", "models:/fake-faces/7"]


def test_a_challenger_scores_a_share_of_the_same_images_beside_them(job, workspace):
    source, output = job
    shutil.copytree(workspace / "model", workspace / "other")
    metadata = json.loads((workspace / "other" / "detector.json").read_text())
    (workspace / "other" / "detector.json").write_text(json.dumps(metadata | {"threshold": 0.0}))  # all are fake
    arguments = ("score", source, output, "--model", "model", "--shadow", "other", "--jobs", 1)
    done = run(*arguments, "--shadow-share", 0.5)
    assert done.exit_code == 0
    table = pq.read_table(output)  # as readers of folders do
    assert table.num_rows == 11
    chosen = {digest for digest in table["sha256"].to_pylist() if in_share(digest, 0.5)}
    beside = pq.read_table(output / "_shadow")
    assert 0 < len(chosen) < 11 and set(beside["sha256"].to_pylist()) == chosen
    assert set(beside["label"].to_pylist()) == {"fake"}
    pairs = read_pairs([output])
    assert set(pairs["sha256"]) == chosen and set(pairs["challenger"]) == {1}
    assert run("score", "--verify", output).exit_code == run("score", "--verify", output / "_shadow").exit_code == 0
    again = run(*arguments, "--shadow-share", 0.5)
    assert "1 of 1 parts are finished already" in again.stderr and again.exit_code == 0
    nothing = run("score", source, output.with_name("none"), "--model", "model", "--shadow", "other", "--jobs", 1,
                  "--shadow-share", 0.001)  # fmt: skip
    assert "no image with a score is in the share of 0.001" in nothing.stderr


def test_arguments_that_do_not_go_together_are_refused(job):
    source, output = job
    assert "OUTPUT is missing" in run("score", source).stderr
    assert "--verify takes one argument" in run("score", source, output, "--verify").stderr
    assert "this is a folder" in str(run("score", source, output, "--column", "a", "--model", "model").exception)
    assert not output.exists()


def test_an_interrupt_says_how_to_resume(job, monkeypatch):
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    source, output = job
    monkeypatch.setattr("fakefaces.scoring.run.run", interrupted)
    done = run("score", source, output, "--model", "model")
    assert (done.exit_code, done.stderr) == (130, "interrupted; run the same command again to resume\n")


def test_a_list_is_scored_by_a_named_column(job, tmp_path):
    source, output = job
    names = [str(path) for path in sorted(source.rglob("*.jpg"))[:3]]
    with (tmp_path / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["picture"], *([name] for name in names)])
    assert run("score", tmp_path / "list.csv", output, "--column", "picture", "--model", "model").exit_code == 0
    assert pq.read_table(output)["path"].to_pylist() == names


def test_predict_names_the_other_command_when_there_are_many_files(job, monkeypatch):
    source, _ = job
    assert "fakefaces score" not in run("predict", source, "--model", "model").stderr
    monkeypatch.setattr(importlib.import_module("fakefaces.cli.predict"), "_MANY", 10)
    said = run("predict", source, "--model", "model").stderr.splitlines()
    assert said[0].startswith("11 files: fakefaces score INPUT OUTPUT")
    assert re.fullmatch(r"11 images: \d+ fake, \d+ real \(0 of them unsure\), no problems", said[-1])
