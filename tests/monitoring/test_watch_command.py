"""`fakefaces watch` and `fakefaces shadow` in a project: exit codes, the page, the runs."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from fakefaces.base.errors import DataError
from fakefaces.base.paths import Layout
from fakefaces.cli import app
from fakefaces.data.photographs import list_photographs
from fakefaces.inference import detector
from fakefaces.inference.predict import score_files
from fakefaces.monitoring.batches import Batch
from fakefaces.monitoring.reference import project_reference
from fakefaces.monitoring.watch import Rule, compare
from fakefaces.tracking.store import connect
from fakefaces.validation.facts import image_facts
from tests.detectors import copy_detector


def run(*arguments: object):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def project(tracked, loaded):
    """A project with the outputs of validate and score for an untrained model ``m``."""
    layout = Layout(tracked)
    layout.model("m").parent.mkdir(parents=True)
    copy_detector(loaded, layout.model("m"))
    images = list_photographs(layout.data)
    facts, _ = image_facts(layout.data, list(images["image"]), threads=2)
    splits = ["train", "train", "validation", "test"]
    table = images.assign(group=images["image"], split=[splits[k % 4] for k in range(len(images))])
    table.merge(facts.drop(columns=["readable", "problem", "damage"]), on="image").to_csv(layout.images, index=False)
    unseen = table[table["split"] != "train"]
    scores = score_files(detector.load(layout.model("m")), [layout.data / i for i in unseen["image"]], threads=1)
    layout.scores("m").parent.mkdir(parents=True)
    unseen[["image", "split"]].assign(p_fake=[s.p_fake for s in scores]).to_csv(layout.scores("m"), index=False)
    return layout


@pytest.mark.slow
@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_a_quiet_day_exits_with_0_a_changed_encoder_with_3_and_each_is_a_run(project, tmp_path):
    for path in sorted(project.data.rglob("*.jpg")):
        (tmp_path / "encoded").mkdir(exist_ok=True)
        with Image.open(path) as image:
            image.save(tmp_path / "encoded" / path.name, quality=40)
    assert run("score", project.data, tmp_path / "monday", "--model", "m", "--jobs", 1).exit_code == 0
    assert run("score", tmp_path / "encoded", tmp_path / "tuesday", "--model", "m", "--jobs", 1).exit_code == 0

    quiet = run("watch", tmp_path / "monday")
    assert quiet.exit_code == 0, quiet.output
    assert quiet.stdout == "monday: 80 images, no alarms\n"
    assert (project.root / "reports" / "watch" / "index.html").is_file()
    alarm = run("watch", tmp_path / "monday", tmp_path / "tuesday", "--to", tmp_path / "page")
    assert alarm.exit_code == 3, alarm.output
    assert "monday: 80 images, no alarms" in alarm.stdout and "ALARM encoder: " in alarm.stdout
    results = json.loads((tmp_path / "page" / "watch.json").read_text())
    assert [bool(batch["alarms"]) for batch in results["batches"]] == [False, True]
    runs = connect().search_runs("tags.role = 'watch'", newest_first=False)
    assert [run.data.tags["alarm"] for run in runs] == ["no", "no", "yes"]
    assert runs[2].data.metrics["effect_encoder"] == 1.0

    assert run("watch", tmp_path / "tuesday", "--reference", tmp_path / "tuesday", "--no-log").exit_code == 0
    (project.scores("m")).unlink()
    assert "outputs/scores/m.csv" in str(run("watch", tmp_path / "monday", "--no-log").exception)


def test_what_the_project_knows_to_be_unfamiliar_is_compared_as_in_a_batch(project):
    scores = pd.read_csv(project.scores("m"))
    unlike = np.linspace(0, 0.3, len(scores))
    scores.assign(unfamiliar=(unlike > 0.25).astype(int), unfamiliarity=unlike).to_csv(project.scores("m"), index=False)
    before = project_reference(project, project.model("m"))
    day = before.rows[before.unseen].assign(unfamiliarity=0.9, unfamiliar=True)
    checks = {check.observable.name: check for check in compare(Batch("day", day, "", ""), before, Rule())}
    assert (checks["unfamiliar"].reference.text, checks["unfamiliar"].batch.text) == ("no 82%, yes 18%", "yes 100%")
    assert [name for name, check in checks.items() if check.alarm] == ["unfamiliar", "unfamiliarity"]


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_batches_of_another_model_than_the_projects_scores_are_refused(project, tmp_path):
    few = sorted(project.data.rglob("*.jpg"))[:3]
    (tmp_path / "few").mkdir()
    for path in few:
        shutil.copy(path, tmp_path / "few")
    assert run("score", tmp_path / "few", tmp_path / "day", "--model", "m", "--jobs", 1).exit_code == 0
    graph = project.model("m") / "network.onnx"
    graph.rename(tmp_path / "network.onnx")
    shutil.copytree(project.model("m"), tmp_path / "other")
    shutil.copy(tmp_path / "network.onnx", tmp_path / "other")
    graph.write_bytes(b"another training")
    refused = run("watch", tmp_path / "day", "--model", tmp_path / "other", "--no-log").exception
    assert isinstance(refused, DataError) and "of another training than the model that scored" in str(refused)


def test_the_shadows_command_says_what_is_to_be_done(workspace):
    said = {"champion": {"version": "1", "label": "real"}, "challenger": {"version": "2", "label": "fake"}}
    digests = [f"{k:064x}" for k in range(300)]
    (workspace / "shadow.jsonl").write_text("\n".join(json.dumps({"sha256": digest, **said}) for digest in digests))
    (workspace / "labels.csv").write_text("sha256,label\n" + "".join(f"{digest},fake\n" for digest in digests))
    done = run("shadow", "shadow.jsonl", "--labels", "labels.csv")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("promote: accuracy 1.0000 against the champion's 0.0000")
    assert "300 photographs scored by both, which disagree on 300; 300 corrected" in done.stdout
    decision = json.loads(run("shadow", "shadow.jsonl", "--labels", "labels.csv", "--json").stdout)
    assert decision["verdict"] == "promote" and decision["interval"][0] > 0.5
    (workspace / "labels.csv").write_text("sha256,label\n" + "".join(f"{digest},fake\n" for digest in digests[:5]))
    assert run("shadow", "shadow.jsonl", "--labels", "labels.csv").stdout.startswith("go on: ")
