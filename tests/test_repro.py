"""The whole `dvc repro` on a small sample, in a real temporary git and DVC project with a real MLflow store."""

import json
import os
import shutil
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pandas as pd
import pytest
import yaml

from fakefaces.evaluation.model_metrics import ModelMetrics
from fakefaces.inference.score import COLUMNS
from tests.conftest import Project

MODELS = ["simple_cnn", "mobilenet", "custom_cnn_tuned", "forensic"]


@pytest.fixture
def store(reproduced, monkeypatch):
    """MLflow on the project's store."""
    monkeypatch.chdir(reproduced.root)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    from fakefaces.tracking.store import connect

    return connect()


def lock(project: Project) -> dict:
    return yaml.safe_load((project.root / "dvc.lock").read_text())["stages"]


def test_every_stage_left_its_outputs(reproduced):
    for name in MODELS:
        assert (reproduced.root / "outputs" / "models" / name / "network.keras").is_file()
        assert ModelMetrics.read(reproduced.root / "reports" / "metrics" / f"{name}.json").test.overall.n == 8
    text = (reproduced.root / "reports" / "results.md").read_text()
    assert all(f"| {name} |" in text for name in [*MODELS, "rule_header", "rule_exif"])
    assert "protocol `grouped`" in text
    metrics = ModelMetrics.read(reproduced.root / "reports" / "metrics" / "simple_cnn.json")
    assert [row.level for row in metrics.robustness] == [None, 90, 50, 1, 0.5, 5]
    assert metrics.operating_point.max_fpr == 0.1
    assert "MobileNet random" in text
    assert not list(reproduced.root.rglob("*.tmp"))
    assert not list((reproduced.root / ".unfinished").rglob("*.npz"))


def test_git_sees_only_what_should_be_committed(reproduced):
    status = reproduced.run("git", "status", "--porcelain", "--untracked-files=all").stdout.split()[1::2]
    assert {path.split("/")[0] for path in status} <= {"dvc.lock", "reports"}
    assert not any(path.endswith((".png", ".keras", ".npy", ".html")) for path in status)


def test_a_second_repro_runs_nothing(reproduced):
    before = (reproduced.root / "dvc.lock").read_bytes()
    done = reproduced.run("dvc", "repro")
    assert "Running stage" not in done.stdout + done.stderr
    assert (reproduced.root / "dvc.lock").read_bytes() == before


def test_no_output_holds_a_path_or_a_run_id(reproduced, store):
    ids = [run.info.run_id for run in store.search_runs("")]
    texts = [path for path in (reproduced.root / "reports").rglob("*") if path.suffix in (".json", ".csv", ".md")]
    texts = [path for path in texts if path.name != "promotion.json"] + [reproduced.root / "dvc.lock"]
    for path in texts:
        text = path.read_text()
        assert str(reproduced.root) not in text, path
        assert not any(run_id in text for run_id in ids), path


def test_the_store_holds_the_runs_in_one_tree(reproduced, store):
    runs = store.search_runs("")
    assert {run.info.status for run in runs} == {"FINISHED"}
    by_role: dict[str, list] = {}
    for run in runs:
        by_role.setdefault(run.data.tags["role"], []).append(run)
    assert {role: len(found) for role, found in by_role.items()} == {
        "pipeline": 1,
        "tune": 1,
        "trial": 2,
        "train": 4,
        "evaluate": 4,
        "report": 1,
        "pictures": 4,
    }
    parent = by_role["pipeline"][0].info.run_id
    of_models = {run.data.params["model"]: run.info.run_id for run in by_role["train"]}
    for run in by_role["tune"] + by_role["train"] + by_role["evaluate"]:
        above = of_models[run.data.params["model"]] if run.data.tags["role"] == "evaluate" else parent
        assert run.data.tags["mlflow.parentRunId"] == above
        assert run.data.tags["mlflow.source.git.commit"] == reproduced.run("git", "rev-parse", "HEAD").stdout.strip()
        assert run.data.tags["git.dirty"] == "false"
        datasets = {entry.dataset.name: entry.dataset.digest for entry in run.inputs.dataset_inputs}
        assert datasets["data"] == run.data.tags["data.digest"][:36]
        assert ("test" in datasets) == (run.data.tags["role"] == "evaluate")
    for run in by_role["trial"]:
        assert run.data.tags["mlflow.parentRunId"] == by_role["tune"][0].info.run_id
        assert run.data.tags["dvc.stage"] == "tune"
        assert run.inputs.dataset_inputs


def test_a_training_run_has_parameters_epochs_and_its_model(reproduced, store):
    (run,) = store.search_runs("tags.role = 'train' and attributes.run_name = 'simple_cnn'")
    assert run.data.params["kind"] == "simple_cnn"
    assert run.data.params["fit.epochs"] == "2"
    assert run.data.tags["dvc.stage"] == "train@simple_cnn"
    epochs = store.client.get_metric_history(run.info.run_id, "val_loss")
    assert [metric.step for metric in epochs] == [1, 2]
    outs = {out["path"]: out["md5"] for out in lock(reproduced)["train@simple_cnn"]["outs"]}
    for path, md5 in outs.items():  # found by what it made, under DVC's own digest
        assert run.data.tags[f"made.{path}"] == md5
    import mlflow

    model = store.client.get_logged_model(run.outputs.model_outputs[0].model_id)
    info = mlflow.models.get_model_info(model.model_uri)
    assert str(info.signature.inputs) == "[binary (required)]"
    columns = {field.name for field in info.signature.outputs.inputs[0].type.properties}
    assert columns == set(COLUMNS) - {"path"}
    assert info.saved_input_example_info is not None


def test_the_best_on_validation_is_registered_and_champion(reproduced, store):
    promotion = json.loads((reproduced.root / "reports" / "promotion.json").read_text())
    client = store.client
    champion = client.get_model_version_by_alias("fake-faces", "champion")
    assert client.get_model_version_by_alias("fake-faces", "challenger").version == champion.version
    metrics = {name: ModelMetrics.read(reproduced.root / "reports" / "metrics" / f"{name}.json") for name in MODELS}
    best = max(metrics, key=lambda name: (metrics[name].validation.roc_auc, -metrics[name].parameters))
    assert champion.tags["model"] == best == promotion["model"]
    assert "no champion" in champion.description


def test_predict_scores_files_and_folders_with_the_champion(reproduced):
    folder = "data/training_fake"
    table = reproduced.run("fakefaces", "predict", folder).stdout.splitlines()
    assert len(table) == 41
    assert table[0].split() == ["path", "p_fake", "label", "unsure", "unfamiliar", "log10", "LR"]
    lines = reproduced.run("fakefaces", "predict", folder, "--json").stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [list(row) for row in rows] == [list(COLUMNS)] * 40
    assert [row["path"] for row in rows] == [line.split()[0] for line in table[1:]]
    scored = (reproduced.root / "outputs" / "scores").glob("*.csv")
    champion = json.loads((reproduced.root / "reports" / "promotion.json").read_text())["model"]
    kept = next(path for path in scored if path.stem == champion).read_text().splitlines()[1:]
    ours = {row["path"].removeprefix("data/"): row["p_fake"] for row in rows}
    compared = 0
    for line in kept:  # the evaluated scores are the served ones
        image, _, p = line.split(",")
        if image in ours:
            assert ours[image] == pytest.approx(float(p), abs=2e-6)
            compared += 1
    assert compared > 3


def test_predict_says_in_one_line_what_is_wrong(reproduced, tmp_path):
    (tmp_path / "text.jpg").write_text("no image")
    for arguments, wanted in (
        ((str(tmp_path / "absent.jpg"),), "no such file"),
        ((str(tmp_path / "text.jpg"),), "not an image"),
        (("data/training_real", "--model", "models:/nobody@champion"), "no such model"),
        (("data/training_real", "--model", "nobody"), "nobody: no such model. Known are champion"),
    ):
        done = reproduced.run("fakefaces", "predict", *arguments, check=False)
        assert done.returncode == 1, arguments
        assert wanted in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_registry_and_promote_tell_what_there_is(reproduced):
    found = json.loads(reproduced.run("fakefaces", "registry", "--json").stdout)
    (version,) = found["versions"]
    assert version["aliases"] == ["challenger", "champion"]
    assert version["outcome"] == "champion"
    assert set(version["metrics"]) == {"validation.roc_auc", "test.roc_auc"}
    assert [entry["action"] for entry in found["history"]] == ["champion"]
    shown = reproduced.run("fakefaces", "registry").stdout
    assert all(word in shown for word in ("champion", version["model"], "there was no champion"))
    assert "it is the champion already" in reproduced.run("fakefaces", "promote", "--dry-run").stdout
    again = json.loads(reproduced.run("fakefaces", "registry", "--json").stdout)
    assert again == found  # nothing was changed
    for arguments, wanted in ((["7"], "no version 7; there are: 1"), (["nobody"], "no version, alias, or run")):
        done = reproduced.run("fakefaces", "promote", *arguments, check=False)
        assert (done.returncode, wanted in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_nothing_calls_home(reproduced):
    """No process of the pipeline or of DVC looked a host up or connected to one."""
    assert not reproduced.network_log.exists(), reproduced.network_log.read_text()


def test_the_network_guard_notes_what_it_should(reproduced):
    code = "import socket; socket.getaddrinfo('localhost', 1); socket.getaddrinfo('call.home.invalid', 80)"
    reproduced.run("python", "-c", code, check=False)
    assert reproduced.network_log.read_text() == "call.home.invalid\n"
    reproduced.network_log.unlink()


def test_dvc_reads_metrics_and_plots(reproduced):
    shown = json.loads(reproduced.run("dvc", "metrics", "show", "--json").stdout)
    assert list(next(iter(shown.values()))["data"]) == ["reports/best.json"]
    reproduced.run("dvc", "plots", "show", "-o", "outputs/plots")
    page = (reproduced.root / "outputs" / "plots" / "index.html").read_text()
    assert '"custom_cnn_tuned"' in page and "Heat maps that peak inside the forgery" in page


@pytest.mark.slow
def test_another_clone_makes_the_same_bytes_and_has_its_runs_and_its_champion(reproduced, make_project, tmp_path):
    other = make_project(tmp_path / "elsewhere")
    shutil.copy(reproduced.root / "dvc.lock", other.root)  # as committed: it is true before anything has run
    shutil.copytree(reproduced.root / "reports", other.root / "reports")
    (other.root / "reports" / "promotion.json").unlink()
    other.run("dvc", "repro")
    assert (other.root / "dvc.lock").read_bytes() == (reproduced.root / "dvc.lock").read_bytes()
    scored = other.run("fakefaces", "predict", "data/training_fake", "--json").stdout
    assert len(scored.splitlines()) == 40
    code = "from fakefaces.tracking.store import connect; print(len(connect().search_runs('')))"
    counts = [project.run("python", "-c", code).stdout.split()[-1] for project in (other, reproduced)]
    assert counts[0] == counts[1]


@pytest.mark.slow
def test_an_experiment_sets_no_alias_and_a_better_or_equal_model_does(reproduced, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(reproduced.root, root, symlinks=True)
    project = Project(root)
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "results")
    before = (root / "reports" / "promotion.json").read_bytes()
    done = project.run("dvc", "exp", "run", "-n", "faster", "-S", "train.fit.learning_rate=0.004")
    assert "sets no alias" in done.stdout + done.stderr
    assert (root / "reports" / "promotion.json").read_bytes() == before


@pytest.mark.slow
def test_with_folds_each_image_is_tested_once_and_nothing_is_promoted(reproduced, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(reproduced.root, root, symlinks=True)
    project = Project(root)
    before = (root / "reports" / "promotion.json").read_bytes()
    params = project.params()
    params["split"] |= {"protocol": "folds", "n_splits": 3}
    project.write_params(params)
    done = project.run("dvc", "repro")
    assert "Running stage 'prepare@" not in done.stdout + done.stderr  # features do not depend on the split
    assert "Running stage 'duplicates'" not in done.stdout + done.stderr
    validates = pd.read_csv(root / "outputs" / "images.csv")["validates"].sum()
    assert 10 <= validates <= 25  # of three folds a ninth of what is left, the smallest sets of which are rounded up
    for name in MODELS:
        metrics = ModelMetrics.read(root / "reports" / "metrics" / f"{name}.json")
        assert (metrics.protocol, metrics.n_splits) == ("folds", 3)
        assert metrics.test.overall.n == 80
        assert metrics.validation.n == validates
        assert {path.name for path in (root / "outputs" / "models" / name).iterdir()} == {"fold0", "fold1", "fold2"}
    assert "protocol `folds`" in (root / "reports" / "results.md").read_text()
    assert "nothing is" in done.stdout + done.stderr
    assert (root / "reports" / "promotion.json").read_bytes() == before


@pytest.mark.slow
def test_a_run_is_promoted_by_its_name_by_force_and_rolled_back(reproduced, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(reproduced.root, root, symlinks=True)
    project = Project(root)
    other = next(
        name for name in MODELS if name != json.loads((root / "reports" / "promotion.json").read_text())["model"]
    )
    refused = project.run("fakefaces", "promote", other, check=False)
    assert refused.returncode == 1
    assert "the test images do not separate it from the champion" in refused.stdout  # four photographs of either class
    assert "--force" in refused.stderr
    project.run("fakefaces", "promote", other, "--force", "to see it served")
    assert project.run("fakefaces", "predict", "data/training_fake").returncode == 0
    assert "version 1 is champion again" in project.run("fakefaces", "promote", "--rollback").stdout
    found = json.loads(project.run("fakefaces", "registry", "--json").stdout)
    assert [entry["action"] for entry in found["history"]] == ["champion", "refused", "champion", "rollback"]
    assert [version["aliases"] for version in found["versions"]] == [["challenger"], ["champion"]]
    git = project.run("git", "status", "--porcelain", "--untracked-files=all").stdout.split()[1::2]
    assert not [path for path in git if "promotion" in path]


@pytest.mark.slow
def test_dvc_repro_after_a_kill_during_promotion_ends_like_an_undisturbed_one(reproduced, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(reproduced.root, root, symlinks=True)
    project = Project(root)
    undisturbed = lock(project), (root / "reports" / "promotion.json").read_bytes()
    history = json.loads(project.run("fakefaces", "registry", "--json").stdout)["history"]
    code = (
        "from fakefaces.tracking.store import connect\n"
        "client = connect().client\n"
        "client.delete_registered_model('fake-faces')\n"
        "experiment = client.get_experiment_by_name('fakefaces').experiment_id\n"
        "for model in client.search_logged_models([experiment]):\n"
        "    if model.name == 'registered':\n"
        "        client.delete_logged_model(model.model_id)\n"
    )
    project.run("python", "-c", code)  # as before the first promotion
    for path in ("reports/promotion.json", "outputs/candidate.json"):
        (root / path).unlink()
    before = {name: body for name, body in undisturbed[0].items() if name != "promote"}
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": before}, sort_keys=False))
    shutil.rmtree(root / ".dvc" / "cache" / "runs")  # or DVC would bring the candidate back and run nothing
    command = ("setsid", "bash", "-c", "echo $$ > dvc.pid; exec dvc repro")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(project.run, *command, check=False)
        with closing(sqlite3.connect(root / "mlruns" / "mlflow.db", timeout=60)) as database:
            while not running.done():
                if database.execute("SELECT count(*) FROM model_versions").fetchone()[0]:
                    os.killpg(int((root / "dvc.pid").read_text()), signal.SIGKILL)
                    break
                time.sleep(0.001)
        killed = running.result()
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    assert not (root / "reports" / "promotion.json").exists()
    (root / "dvc.pid").unlink()
    project.run("dvc", "repro")
    assert (lock(project), (root / "reports" / "promotion.json").read_bytes()) == undisturbed
    found = json.loads(project.run("fakefaces", "registry", "--json").stdout)
    assert [version["aliases"] for version in found["versions"]] == [["challenger", "champion"]]
    same = [[{k: v for k, v in entry.items() if k != "at"} for entry in one] for one in (found["history"], history)]
    assert same[0] == same[1]
