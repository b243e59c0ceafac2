"""Forgetting: a small project with a real git, DVC and MLflow store, and afterwards a search of every file in it."""

import base64
import hashlib
import io
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from fakefaces.base.environment import DVC
from fakefaces.base.errors import FakefacesError, TrackingError
from fakefaces.cli import app
from fakefaces.data.attributes import read_attributes, write_attributes
from fakefaces.data.computed import Computed
from fakefaces.ingest.record import track
from fakefaces.maintenance.forgetting import forget as forgetting
from fakefaces.maintenance.forgetting.record import FILE, check_forgotten, read
from fakefaces.review.labels import Labels
from fakefaces.review.queue import Photograph
from fakefaces.tracking.evaluations import TRAINING_IMAGES
from fakefaces.tracking.runs import stage_run
from fakefaces.tracking.store import connect
from tests.conftest import write_photographs

REAL, COPY = "training_real/real_00001.jpg", "training_real/copy.jpg"
# Stands for the stages: features, tables, pictures and weights where ours lie, in DVC's cache and run cache.
STAGES = """
import base64, io, json, sys
from pathlib import Path
import numpy as np
from PIL import Image
paths = sorted(p for p in Path("data").rglob("*.jpg"))
names = [p.relative_to("data").as_posix() for p in paths]
def put(path, data):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(data)
if sys.argv[1] == "prepare":
    Path("outputs/features/pixels").mkdir(parents=True, exist_ok=True)
    np.save("outputs/features/pixels/arrays.npy", np.stack([np.asarray(Image.open(p).resize((8, 8))) for p in paths]))
    put("outputs/facts.csv", ("image\\n" + "\\n".join(names) + "\\n").encode())
elif sys.argv[1] == "train":
    put("outputs/models/m/network.keras", str(np.load("outputs/features/pixels/arrays.npy").mean()).encode())
else:
    def thumbnail(path):
        buffer = io.BytesIO()
        Image.open(path).resize((16, 16)).save(buffer, "JPEG")
        return base64.b64encode(buffer.getvalue()).decode()
    page = "".join(f'<img alt="{p.name}" src="data:image/jpeg;base64,{thumbnail(p)}">' for p in paths)
    put("reports/index.html", page.encode())
    put("reports/metrics/m.json", b'{"roc_auc": 1}')
    put("outputs/heatmaps/a.npy", b"\\x93NUMPY" + bytes(16) + Path("outputs/features/pixels/arrays.npy").read_bytes())
    put("outputs/heatmaps/images.csv", Path("outputs/facts.csv").read_bytes())
"""
DVC_YAML = {
    "stages": {
        "prepare": {
            "cmd": f"{sys.executable} stages.py prepare",
            "params": ["seed"],
            "deps": ["data", "stages.py"],
            "outs": ["outputs/features/pixels", "outputs/facts.csv"],
        },
        "train": {
            "cmd": f"{sys.executable} stages.py train",
            "deps": ["outputs/features/pixels"],
            "outs": ["outputs/models/m"],
        },
        "report": {
            "cmd": f"{sys.executable} stages.py report",
            "deps": ["data", "outputs/features/pixels", "outputs/facts.csv"],
            "outs": [
                "outputs/heatmaps",
                {"reports/index.html": {"persist": True}},
                {"reports/metrics": {"cache": False, "persist": True}},
            ],
        },
    }
}


def run(root: Path, *command: str) -> None:
    process = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def git_commit(root: Path) -> None:
    run(root, "git", "add", "-A")
    run(root, "git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "state")


def log_runs(root: Path, photograph: bytes) -> None:
    """A training with the photograph as the example of its input, and an evaluation with tables."""
    digest = hashlib.sha256(photograph).hexdigest()
    with stage_run("m", role="train") as training:
        training.params({"model": "m"})
        training.text(json.dumps([base64.encodebytes(photograph).decode()]), "input_example.json")
    with stage_run("m", role="evaluate") as evaluation:
        evaluation.params({"model": "m"})
        evaluation.tag("model.digest", "0" * 32 + ".dir")
        evaluation.text(f"{digest}\n", TRAINING_IMAGES)
        evaluation.text(f"image,p_fake\n{REAL},0.1\ntraining_real/real_00002.jpg,0.2\n", "predictions.csv")
        evaluation.text("<img src='of one without its name'>", "index.html")
    with stage_run("later", role="evaluate") as later:
        later.text("image,p_fake\ntraining_real/real_00002.jpg,0.2\n", "predictions.csv")


@pytest.fixture
def project(tracked: Path, monkeypatch) -> Path:
    """Two states of ``data/``, both with the photograph, a remote, labels, and traces in all places."""
    root = tracked
    shutil.rmtree(root / "data")
    write_photographs(root / "data", reals=4, fakes=4)
    shutil.copy(root / "data" / REAL, root / "data" / COPY)
    (root / "data" / "manifest.csv").write_text(f"image,mask\n{REAL},masks/real.png\ntraining_real/real_00002.jpg,\n")
    known = [
        hashlib.sha256((root / "data" / f"training_real/real_0000{k}.jpg").read_bytes()).hexdigest() for k in (1, 2)
    ]
    write_attributes(root / "data", {digest: {"camera": "A"} for digest in known})
    (root / "data" / "masks").mkdir()
    Image.new("L", (9, 9)).save(root / "data" / "masks" / "real.png")
    (root / "stages.py").write_text(STAGES)
    (root / "dvc.yaml").write_text(yaml.safe_dump(DVC_YAML))
    run(root, *DVC, "init", "-q")
    run(root, *DVC, "remote", "add", "-q", "-d", "store", str(root.parent / "remote"))
    shutil.copytree(root / "data", root / "samples")
    track(root, "samples")
    run(root, *DVC, "repro", "-q")
    git_commit(root)
    (root / "data" / "training_real" / "later.jpg").write_bytes(
        (root / "data/training_real/real_00003.jpg").read_bytes()
    )
    track(root, "samples")
    run(root, *DVC, "repro", "-q")
    run(root, *DVC, "push", "-q", "--run-cache")
    photograph = (root / "data" / REAL).read_bytes()
    log_runs(root, photograph)
    digest = hashlib.sha256(photograph).hexdigest()
    kept = root / "mlruns" / "artifacts" / "models" / "m-1" / "artifacts" / "kept_examples"
    kept.mkdir(parents=True)
    (kept / digest).write_bytes(photograph)
    (kept / "scores.json").write_text(json.dumps({digest: 0.1, "c" * 64: 0.2}))
    (root / "reviews" / "images").mkdir(parents=True)
    (root / "reviews" / "images" / f"{digest[:12]}_a.jpg").write_bytes(photograph)
    (root / "reviews" / "corrections.csv").write_text(
        f"path,label\nimages/{digest[:12]}_a.jpg,real\nimages/b.jpg,fake\n"
    )
    labels = Labels(root / "reviews" / "labels.db")
    for key in (digest, "f" * 64):
        labels.give(Photograph(key, "a.jpg", root, 0.1, "real", None, None, (), None), "x", "real", "m")
    labels.close()
    contents = {REAL: digest, "training_real/real_00002.jpg": sha256_of(root / "data/training_real/real_00002.jpg")}
    with Computed(root / ".computed" / "prepare-pixels.sqlite", "1") as computed:
        list(computed.each(root / "data", contents, small_pixels, threads=1, description="decoding"))
    (root / "corrections.csv").write_text(f"sha256,label,image\n{digest},real,a.jpg\n{'e' * 64},real,b.jpg\n")
    (root / "shadow.jsonl").write_text(f'{{"sha256": "{digest}"}}\n{{"sha256": "{"d" * 64}"}}\n')
    (root / "explained").mkdir()
    (root / "explained" / "real_00001.png").write_bytes(b"its heat map")
    (root / "explained" / "real_00011.png").write_bytes(b"of another")
    (root / "reports" / "duplicate_pairs.csv").write_text(f"a,b\n{REAL},training_fake/mid_1_0011.jpg\n")
    git_commit(root)
    (listing, *_) = (root / ".dvc" / "cache" / "files" / "md5").glob("*/*.dir")
    other = root / ".dvc" / "cache" / listing.parent.name / listing.name  # where DVC 2 has its objects, and DVC 3 some
    other.parent.mkdir(exist_ok=True)
    shutil.copy(listing, other)
    return root


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def small_pixels(data: bytes, name: str) -> tuple[np.ndarray, ...]:
    return (np.asarray(Image.open(io.BytesIO(data)).resize((8, 8))),)


def traces(root: Path, photograph: bytes) -> list[str]:
    """Files that hold the photograph, its features, its thumbnail or its name, or are called by its digest."""
    md5, sha256 = hashlib.md5(photograph).hexdigest(), hashlib.sha256(photograph).hexdigest()
    pixels = Image.open(io.BytesIO(photograph))
    buffer = io.BytesIO()
    pixels.resize((16, 16)).save(buffer, "JPEG")
    marks = [photograph, base64.b64encode(photograph), pixels.resize((8, 8)).tobytes(), b"real_00001.jpg"]
    marks += [base64.b64encode(buffer.getvalue()), base64.encodebytes(photograph).replace(b"\n", b"\\n")]
    found = []
    for path in sorted(path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts):
        data = path.read_bytes()
        called = path.parent.name + path.name
        listed = sha256.encode() in data and path.name != TRAINING_IMAGES
        if any(mark in data for mark in marks) or listed or md5 in called or sha256[:12] in called:
            found.append(str(path.relative_to(root)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_no_trace_is_left_and_the_pipeline_goes_on(project, monkeypatch):
    root, photograph = project, (project / "data" / REAL).read_bytes()
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and ".git" not in path.parts}
    assert len(traces(root, photograph)) > 20
    listed = CliRunner().invoke(app, ["forget", f"data/{REAL}"])
    assert listed.exit_code == 0 and "nothing was removed yet; do it with: --yes" in listed.stdout
    for sentence in (
        "models that learned from them stay as they are: m",
        " runs on this data cannot be made again",
        "training_fake/mid_1_0011.jpg shares a photograph with one of them, and stays",
        "git's history holds training_real/copy.jpg",
        "DVC's remote store",
        "the source of data/ (samples)",
    ):
        assert sentence in listed.stdout, listed.stdout
    touched = {path for path, data in before.items() if not path.is_file() or path.read_bytes() != data}
    assert all(".dvc/tmp" in path.as_posix() or path.name.startswith(".") for path in touched), touched

    # Killed in the middle, and once more; then it is finished, without the file's being there.
    for stop in (4, 12):
        with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
            killed.setattr(forgetting, "progress", stopping_after(stop))
            forgetting.plan(root, [f"data/{REAL}"], forgetting.store_or_none(), "fake-faces", remote=False).execute()
    (unfinished, *_) = check_forgotten(root)
    assert (unfinished.level, unfinished.advice) == ("error", "fakefaces forget --yes")
    done = CliRunner().invoke(app, ["forget", "--yes", "--remote"])
    assert done.exit_code == 0, done.output
    assert traces(root, photograph) == []
    assert traces(root.parent / "remote", photograph) == []

    # What is of others has stayed.
    (other_photograph,) = read_attributes(root / "data")
    assert other_photograph == hashlib.sha256((root / "data/training_real/real_00002.jpg").read_bytes()).hexdigest()
    assert (root / "corrections.csv").read_text() == f"sha256,label,image\n{'e' * 64},real,b.jpg\n"
    assert (root / "reviews" / "corrections.csv").read_text() == "path,label\nimages/b.jpg,fake\n"
    assert (root / "shadow.jsonl").read_text() == f'{{"sha256": "{"d" * 64}"}}\n'
    with closing(sqlite3.connect(root / ".computed" / "prepare-pixels.sqlite")) as results:
        assert results.execute("SELECT key FROM results").fetchall() == [(other_photograph,)]
    journal = Labels(root / "reviews" / "labels.db")
    assert [event.photograph for event in journal.events()] == ["f" * 64]
    journal.close()
    assert (root / "explained" / "real_00011.png").is_file() and not (root / "explained" / "real_00001.png").exists()
    assert (root / "outputs" / "models" / "m" / "network.keras").is_file()
    (scores,) = (root / "mlruns").rglob("kept_examples/scores.json")
    assert json.loads(scores.read_text()) == {"c" * 64: 0.2}
    (table, other) = sorted((root / "mlruns").rglob("predictions.csv"), key=lambda path: path.read_text())
    assert table.read_text() == other.read_text() == "image,p_fake\ntraining_real/real_00002.jpg,0.2\n"

    (entry,) = read(root)
    store = connect()
    runs = {run.info.run_id: run for run in store.search_runs("")}
    assert {runs[run_id].data.tags["role"] for run_id in entry.runs} >= {"train", "evaluate"}
    assert entry.models == ("m",) and photograph not in (root / FILE).read_bytes()
    (note,) = check_forgotten(root)
    assert note.level == "note" and "cannot be made again; learned from by m" in note.text
    refused = CliRunner().invoke(app, ["reproduce", entry.runs[0]])
    assert isinstance(refused.exception, FakefacesError) and "was forgotten on" in str(refused.exception)

    run(root, *DVC, "repro", "-q")
    assert traces(root, photograph) == []
    assert "real_00002.jpg" in (root / "reports" / "index.html").read_text()
    again = CliRunner().invoke(app, ["forget", hashlib.sha256(photograph).hexdigest()])
    assert "no photograph of this project has this sha256" in str(again.exception)


def stopping_after(n: int):
    """A stand-in for the progress bar that interrupts at a step."""
    from contextlib import contextmanager

    @contextmanager
    def progress(description: str, total: int):
        done = [0]

        def step(advance: int, note: str) -> None:
            done[0] += advance
            if done[0] >= n:
                raise KeyboardInterrupt

        yield step

    return progress


def test_a_store_that_cannot_be_asked_is_no_store_that_is_missing(workspace, monkeypatch):
    assert forgetting.store_or_none() is None and not (workspace / "mlruns").exists()
    photograph = next((workspace / "data").rglob("*.jpg"))
    plan = forgetting.plan(workspace, [str(photograph)], None, "fake-faces", remote=False)
    assert "there is no MLflow store at " in plan.remaining[-1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    result = CliRunner().invoke(app, ["forget", "--yes", str(photograph)])
    assert isinstance(result.exception, TrackingError) and photograph.is_file()


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_what_names_no_photograph_is_one_sentence(tracked):
    for arguments, sentence in (
        ([], "name a PHOTOGRAPH"),
        (["data/none.jpg"], "data/none.jpg: no such file, and no sha256"),
        (["a" * 64, "--yes"], "no photograph of this project has this sha256"),
    ):
        result = CliRunner().invoke(app, ["forget", *arguments])
        assert isinstance(result.exception, FakefacesError) and sentence in str(result.exception)
    assert not (tracked / FILE).exists()
