"""``fakefaces runs`` and ``fakefaces reproduce``."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from fakefaces.base.errors import FakefacesError
from fakefaces.cli.model_names import model_source, run_of
from fakefaces.cli.reproduce import reproduce
from fakefaces.cli.runs import runs
from fakefaces.maintenance import run_table
from fakefaces.maintenance.reproduce import Reproduction
from fakefaces.tracking.digests import digest
from fakefaces.tracking.runs import OUTPUT_TAG, stage_run
from fakefaces.tracking.store import connect


def evaluate(root: Path, name: str, **metrics: float) -> None:
    """The evaluation of a model that is trained."""
    with stage_run(name, role="evaluate") as run:
        run.tag("model.digest", digest(root / "outputs" / "models" / name))
        run.metrics(metrics)


def shown(capsys, **options) -> list[dict]:
    runs(as_json=True, **options)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def three_runs(tracked, trained) -> list[str]:
    """Three trainings, of which two are evaluated."""
    ids = []
    for k, (name, auc) in enumerate([("simple_cnn", 0.6), ("mobilenet", 0.8), ("simple_cnn", None)]):
        ids.append(trained(name, text=f"network {k}", val_loss=0.5 + k))
        if auc:
            evaluate(tracked, name, test_roc_auc=auc, validation_roc_auc=auc - 0.1)
    return ids


def test_a_training_stands_with_its_evaluation(three_runs, capsys):
    rows = shown(capsys)
    assert [row["run"] for row in rows] == three_runs[::-1]  # the newest first
    assert [row.get("test_roc_auc") for row in rows] == [None, 0.8, 0.6]


def test_filters_and_order(three_runs, capsys):
    assert [r["model"] for r in shown(capsys, where=["test_roc_auc > 0.7"])] == ["mobilenet"]
    assert [r["run"] for r in shown(capsys, where=["model = simple_cnn", "val_loss >= 2"])] == [three_runs[2]]
    assert [r["run"] for r in shown(capsys, sort="-test_roc_auc")] == [three_runs[1], three_runs[0], three_runs[2]]
    assert [r["run"] for r in shown(capsys, sort="val_loss", limit=2)] == three_runs[:2]
    assert shown(capsys, where=["model ~ CNN"]) == shown(capsys, where=["model != mobilenet"])
    assert len(shown(capsys, role="evaluate")) == 2
    with pytest.raises(FakefacesError, match="NAME OPERATOR VALUE"):
        runs(where=["nonsense"])
    with pytest.raises(FakefacesError, match="--role"):
        runs(role="nobody")


def test_the_table_shows_what_tells_the_runs_apart(three_runs, capsys):
    runs(differences=True)
    lines = capsys.readouterr().out.splitlines()
    header = lines[0].split("  ")
    assert {"run", "started", "model", "commit", "test roc auc"} <= {name.strip() for name in header}
    assert "status" not in lines[0]  # all are FINISHED
    assert [line.split()[0] for line in lines[1:]] == [run_id[:8] for run_id in three_runs[::-1]]
    assert "0.800" in lines[2]
    runs(where=["model = nobody"])
    assert capsys.readouterr().err == "none of the 3 train runs meets: model = nobody\n"
    runs(role="trial")
    assert capsys.readouterr().err == "no trial runs; start one with: dvc repro\n"


@pytest.mark.parametrize(
    "option", [{"sort": "-tset_roc_auc"}, {"columns": "tset_roc_auc"}, {"where": ["tset_roc_auc > 0"]}]
)
def test_an_unknown_column_is_refused_with_the_known_ones(three_runs, option):
    wanted = f"--{next(iter(option))} tset_roc_auc: these runs have no such column; did you mean test_roc_auc"
    with pytest.raises(FakefacesError, match=wanted) as error:
        runs(**option)
    assert "validation_roc_auc" in str(error.value) and OUTPUT_TAG not in str(error.value)


def test_a_run_is_named_by_its_id_or_by_the_model_that_it_trained(tracked, three_runs):
    first, other, newest = three_runs
    named = [run_of(name).info.run_id for name in (first, other[:8], "simple_cnn", "outputs/models/simple_cnn")]
    assert named == [first, other, newest, newest]
    assert str(model_source(other[:8])).startswith("models:/m-")
    (evaluation, *_) = connect().search_runs("tags.role = 'evaluate'")
    with pytest.raises(FakefacesError, match="logged no detector"):
        model_source(evaluation.info.run_id)


def test_a_repeat_is_shown_on_request(trained, capsys):
    first, again = trained(), trained()
    assert [row["run"] for row in shown(capsys)] == [first]
    assert [row["run"] for row in shown(capsys, repeats=True)] == [again, first]


def test_where_nothing_differs_that_is_said(trained, capsys):
    run_id = trained()
    reproduce(run_id[:8])
    out = capsys.readouterr().out
    assert "No differences" in out
    assert "Its outputs are those of the present dvc.lock" in out
    assert "dvc repro train@simple_cnn" in out


def test_what_differs_is_said_and_the_commands_bring_the_state_back(tracked, trained, capsys):
    new = tracked / "src" / "extra.py"
    new.parent.mkdir()
    new.write_text("x = 1\n")
    run_id = trained()
    then = (tracked / "params.yaml").read_text()
    new.unlink()
    params = yaml.safe_load(then)
    params["train"]["fit"]["learning_rate"] = 0.5
    (tracked / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *identity, "commit", "-qam", "another rate"], cwd=tracked, check=True)
    trained(text="other weights")
    capsys.readouterr()
    reproduce(run_id[:8])
    out = capsys.readouterr().out
    assert "params.yaml: train.fit.learning_rate" in out
    assert "0.5" in out
    assert "commit" in out
    assert "1 files" in out
    assert "Its outputs are those" not in out
    # what is printed brings the tree of that run back
    printed = [line.strip() for line in out.splitlines() if line.startswith("    ")]
    lines = [line for line in printed if not line.startswith("#")]
    worktree = next(line for line in lines if line.startswith("git worktree"))
    subprocess.run(worktree.split(), cwd=tracked, check=True, capture_output=True)
    folder = (tracked / worktree.split()[4]).resolve()
    reproduce(run_id[:8], patch=True)
    subprocess.run(["git", "apply"], cwd=folder, input=capsys.readouterr().out, text=True, check=True)
    assert (folder / "params.yaml").read_text() == then
    assert (folder / "src" / "extra.py").read_text() == "x = 1\n"
    assert any(line.startswith("fakefaces reproduce") and line.endswith("apply") for line in lines)


def test_a_run_that_is_not_there_is_one_message(trained, capsys):
    trained()
    for name in ("ffffffff", "champion", "7"):
        with pytest.raises(FakefacesError, match=name):
            reproduce(name)


def test_conditions_compare_numbers_as_numbers():
    rows = [{"a": "10"}, {"a": 9.0}, {"b": 1}]
    assert run_table.filter_rows(rows, run_table.parse_conditions(["a > 9.5"])) == [{"a": "10"}]
    assert run_table.sort_rows(rows, "a") == [{"a": 9.0}, {"a": "10"}, {"b": 1}]
    assert run_table.sort_rows([{"a": "x"}, {"a": 1}], "-a") == [{"a": "x"}, {"a": 1}]


def test_a_training_evaluated_twice_has_its_latest_evaluation_and_its_own_metrics(tracked, trained, capsys):
    trained("simple_cnn", text="network", test_accuracy=0.9)
    evaluate(tracked, "simple_cnn", test_roc_auc=0.6, test_accuracy=0.5)
    evaluate(tracked, "simple_cnn", test_roc_auc=0.7, test_accuracy=0.5)
    (row,) = shown(capsys)
    assert (row["test_roc_auc"], row["test_accuracy"]) == (0.7, 0.9)


def test_each_operator_of_a_condition_compares_as_it_says():
    rows = [{"x": 1.0, "name": "VGG16"}, {"x": 2.0, "name": "forensic"}, {"x": 3.0}]

    def matching(condition: str) -> list[float]:
        return [row["x"] for row in run_table.filter_rows(rows, run_table.parse_conditions([condition]))]

    assert matching("x < 2") == [1.0] and matching("x <= 2") == [1.0, 2.0]
    assert matching("x > 2") == [3.0] and matching("x >= 2") == [2.0, 3.0]
    assert matching("x = 2") == [2.0] and matching("x != 2") == [1.0, 3.0]
    assert matching("name ~ vgg") == [1.0] and matching("name ~ VGG16 and more") == []
    assert [row["x"] for row in run_table.sort_rows(rows, "-x")] == [3.0, 2.0, 1.0]
    assert [row["x"] for row in run_table.sort_rows(rows[::-1], "-name")] == [2.0, 1.0, 3.0]


def test_parameters_that_differ_are_those_with_two_values_among_the_runs_that_have_them(tracked):
    rows = []
    for params in ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"c": 1}):
        with stage_run("m", role="train") as run:
            run.params(params)
        rows.append({"run": run.id} | params)
    assert run_table.differing_parameters(connect(), rows) == ["b"]


def test_a_run_is_current_if_dvc_lock_records_all_its_outputs(tracked, trained):
    store, run_id = connect(), trained()

    def reproduction() -> Reproduction:
        return Reproduction.of(store, store.client.get_run(run_id), tracked)

    assert reproduction().is_current
    text = (tracked / "dvc.lock").read_text()
    md5 = reproduction().outputs["reports/history/simple_cnn.csv"]
    (tracked / "dvc.lock").write_text(text.replace(md5, "0" * 32))
    assert not reproduction().is_current  # one of two outputs is another's
    (tracked / "dvc.lock").unlink()
    assert not reproduction().is_current


def test_differences_have_the_value_in_the_run_and_the_value_here(tracked, trained):
    (tracked / "data.dvc").write_text("outs:\n- md5: 11.dir\n  path: data\n")
    run_id = trained()
    (tracked / "data.dvc").write_text("outs:\n- md5: 22.dir\n  path: data\n")
    params = yaml.safe_load((tracked / "params.yaml").read_text())
    params["seed"] += 1
    params["added"] = 1
    del params["report"]["pairs"]
    (tracked / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    store = connect()
    differences = Reproduction.of(store, store.client.get_run(run_id), tracked).differences()
    values = {difference.name: (difference.run, difference.here) for difference in differences}
    assert values["data"] == ("11.dir", "22.dir")
    assert values["params.yaml: seed"] == ("20", "21")
    assert values["params.yaml: added"] == ("-", "1")
    assert values["params.yaml: report.pairs"] == ("24", "-")
    assert values["uncommitted changes"] == ("none", "1 files")
    assert "commit" not in values and "machine" not in values


def test_the_provenance_of_a_trial_is_that_of_its_study(tracked):
    with stage_run("tune", role="tune") as study, study.child("trial 0", role="trial") as trial:
        pass
    (tracked / "params.yaml").write_text("seed: 1\n")
    store = connect()
    files = Reproduction.of(store, store.client.get_run(trial.id), tracked).files
    assert files == Reproduction.of(store, store.client.get_run(study.id), tracked).files
    assert "seed: 20" in files["params.yaml"]
