"""Arguments and output of commands, with stub detectors."""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner

from fakefaces.base.errors import DataError, FakefacesError
from fakefaces.base.files import write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.cli import app
from fakefaces.cli.listing import image_files
from fakefaces.cli.registry import describe
from fakefaces.inference import detector
from fakefaces.inference import predict as scoring
from fakefaces.inference.familiar import Familiar
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.inference.score import COLUMNS, Score
from fakefaces.params.file import load
from fakefaces.registry.promotion import Decision, Promotion
from tests.detectors import copy_detector
from tests.pictures import striped


def write_metadata(folder: Path, familiar: Familiar | None = None) -> Path:
    shared = {"model": "m", "kind": "k", "image_size": 32, "weights": "w", "threshold": 0.5, "parameters": 1}
    metadata = DetectorMetadata(**shared, familiar=familiar)
    write_json(folder / "detector.json", metadata.model_dump())
    return folder


def test_files_keep_their_order_and_those_of_a_folder_are_sorted(tmp_path):
    for name in ("b/2.JPG", "b/1.png", "b/deep/0.webp", "b/notes.txt", "a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files = image_files([tmp_path / "a.txt", tmp_path / "b"])
    names = [path.relative_to(tmp_path).as_posix() for path in files]
    assert names == ["a.txt", "b/1.png", "b/2.JPG", "b/deep/0.webp"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no image in this folder"):
        image_files([tmp_path / "empty"])
    with pytest.raises(DataError, match="absent, .*gone: there is no such file"):  # before a folder is listed
        image_files([tmp_path / "empty", tmp_path / "absent", tmp_path / "gone"])


SCORES = [
    Score(path="a.png", p_fake=0.75, label="fake", unsure=True, p_nose=0.5, log10_lr=1.25, unfamiliar=False),
    Score(path="b.png", p_fake=0.25, label="real", unsure=False, unfamiliar=True),
    Score(path="c.png", problem="not_an_image", problem_detail="c.png: not an image"),
    Score(path="d.png", p_fake=0.125, label="real", model_version="3"),
]


@pytest.fixture
def predicted(workspace, monkeypatch):
    write_metadata(workspace / "model")
    monkeypatch.setattr(detector, "load", lambda folder: None)
    monkeypatch.setattr(scoring, "score_files", lambda loaded, files, threads: iter(SCORES))
    for score in SCORES:
        (workspace / score.path).touch()

    def run(*options: str) -> list[str]:
        names = [score.path for score in SCORES]
        done = CliRunner().invoke(app, ["predict", *names, "--model", "model", *options])
        assert isinstance(done.exception, DataError)
        assert str(done.exception) == "1 of 4 files could not be scored"
        summary = "4 images: 1 fake, 2 real (1 of them unsure, 1 unfamiliar), 1 with problems (1 not_an_image)"
        assert done.stderr.splitlines()[-1] == summary
        return done.stdout.splitlines()

    return run


def test_a_model_of_drawn_faces_says_so_beside_its_verdicts(workspace, loaded, capsys):
    copy_detector(loaded, workspace / "model")
    picture = next((workspace / "data").rglob("*.jpg"))
    arguments = ["predict", str(picture), "--model", "model"]
    assert "CAUTION" not in CliRunner().invoke(app, arguments).stderr
    write_json(workspace / "model" / "detector.json", loaded.metadata.model_dump() | {"drawn": True})
    said = CliRunner().invoke(app, arguments).stderr
    assert "CAUTION m: trained on drawn faces (the embedded sample), it knows no photograph" in said


def test_the_table_of_scores_has_score_label_and_unsure_of_each_file(predicted):
    assert [line.split() for line in predicted()] == [
        ["path", "p_fake", "label", "unsure", "unfamiliar", "log10", "LR"],
        ["a.png", "0.7500", "fake", "yes", "no", "+1.25"],
        ["b.png", "0.2500", "real", "no", "yes", "-"],
        ["d.png", "0.1250", "real", "-", "-", "-"],
    ]


@pytest.mark.parametrize(("unfamiliar", "options"), [(30, []), (30, ["--json"]), (3, []), (3, ["--json"])])
def test_a_batch_that_is_unlike_what_was_learned_from_is_said_to_be_once(workspace, monkeypatch, unfamiliar, options):
    write_metadata(workspace / "model", Familiar(threshold=0.4, left_out=200, refused=16))
    names = [f"{k}.png" for k in range(40)]
    scores = [Score(path=name, p_fake=0.75, label="fake", unfamiliar=k < unfamiliar) for k, name in enumerate(names)]
    monkeypatch.setattr(detector, "load", lambda folder: None)
    monkeypatch.setattr(scoring, "score_files", lambda loaded, files, threads: iter(scores))
    for name in names:
        (workspace / name).touch()
    done = CliRunner().invoke(app, ["predict", *names, "--model", "model", *options])
    assert done.exit_code == 0
    said = [line for line in done.output.splitlines() if "unlike the photographs" in line]
    assert len(said) == (unfamiliar == 30)
    if said and not options:
        assert done.output.index(said[0]) < done.output.index("p_fake  label")


def test_the_json_lines_have_all_fields_of_a_score(predicted):
    rows = [json.loads(line) for line in predicted("--json")]
    assert [list(row) for row in rows] == [list(COLUMNS)] * 4
    assert [{name: value for name, value in row.items() if value is not None} for row in rows] == [
        {"path": "a.png", "p_fake": 0.75, "label": "fake", "unsure": True, "p_nose": 0.5, "log10_lr": 1.25}
        | {"unfamiliar": False},
        {"path": "b.png", "p_fake": 0.25, "label": "real", "unsure": False, "unfamiliar": True},
        {"path": "c.png", "problem": "not_an_image", "problem_detail": "c.png: not an image"},
        {"path": "d.png", "p_fake": 0.125, "label": "real", "model_version": "3"},
    ]


def test_images_that_trained_are_named_below_the_scores(workspace, loaded):
    copy_detector(loaded, workspace / "model")
    photographs = sorted((workspace / "data").rglob("*.jpg"))[:3]
    arguments = ["predict", *map(str, photographs), "--model", "model"]
    assert "WARNING" not in CliRunner().invoke(app, arguments).stderr  # nothing is split yet
    rows = [(path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in photographs]
    table = pd.DataFrame(rows, columns=["image", "sha256"]).assign(label=0, split=["train", "validation", "test"])
    write_text(Layout(workspace).images, table.to_csv(index=False))
    last = CliRunner().invoke(app, arguments).stderr.splitlines()[-1]
    assert last.startswith("WARNING 2 of 3 are images that this project trains")
    assert f"({photographs[0].name}, {photographs[1].name})" in last
    write_text(Layout(workspace).images, table.drop(columns="split").to_csv(index=False))  # cross-validation
    assert "WARNING 3 of 3" in CliRunner().invoke(app, arguments).stderr


def test_a_misspelled_model_is_said_before_any_file_is_read(workspace, monkeypatch):
    for command in (["predict", "data"], ["explain", "data"], ["score", "data", "scores"], ["review"], ["serve"]):
        name = ["nobody"] if command[0] == "explain" else ["--model", "nobody"]
        arguments = [command[0], *name, *command[1:]]
        monkeypatch.setattr(Path, "iterdir", lambda folder: pytest.fail(f"{folder} was listed"))
        done = CliRunner().invoke(app, arguments)
        monkeypatch.undo()
        monkeypatch.chdir(workspace)
        assert isinstance(done.exception, FakefacesError), (command, done.exception)
        assert "nobody: no such model" in str(done.exception)


def test_the_version_is_that_of_the_package():
    assert CliRunner().invoke(app, ["--version"]).stdout == f"fakefaces {version('fakefaces')}\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("pre", {"predict"}),
        ("explain c", {"champion", "challenger", "custom_cnn_tuned"}),
        ("promote sim", {"simple_cnn"}),
        ("predict --model fo", {"forensic"}),
    ],
)
def test_a_shell_completes_commands_and_models(workspace, typed, offered):
    words = f"fakefaces {typed}"
    environ = {"_FAKEFACES_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = CliRunner().invoke(app, [], prog_name="fakefaces", env=environ)
    assert set(done.stdout.split()) == offered


def test_images_of_one_name_have_their_own_output_files(workspace, loaded):
    copy_detector(loaded, workspace / "outputs" / "models" / "custom_cnn")
    for k, folder in enumerate(("a", "b", "c")):
        (workspace / folder).mkdir()
        striped((80 * k, 90, 100), 40).save(workspace / folder / "one.png")
    arguments = ["explain", "custom_cnn", "a", "b", "c", "--layers", "1", "--maps", "1"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    heatmaps = [line for line in done.stdout.split() if line.endswith("_heat.png")]
    assert len(set(heatmaps)) == 3
    assert len({(workspace / path).read_bytes() for path in heatmaps}) == 3


def test_a_version_is_described_with_its_own_metrics():
    tags = {
        "model": "m",
        "validation.roc_auc": "0.75",
        "test.roc_auc": "0.5",
        "test.digest": "0123",
        "operating.threshold": "0.625",
        "operating.low": "0.25",
        "decision.outcome": "champion",
        "decision.against": "2",
    }
    version = SimpleNamespace(number=3, aliases=["champion"], tags=tags, created=86_400_000, run_id="r")
    assert describe(version) == {
        "version": 3,
        "aliases": ["champion"],
        "model": "m",
        "created": "1970-01-02 00:00",
        "metrics": {"validation.roc_auc": 0.75, "test.roc_auc": 0.5},
        "threshold": 0.625,
        "test_digest": "0123",
        "outcome": "champion",
        "against": "2",
        "run": "r",
    }


DECISION = {
    "reason": "a reason",
    "model": "m",
    "digest": "d",
    "test_digest": "t",
    "against": 2,
    "margin": 0.02,
    "slice_margin": 0.1,
}


@dataclass
class StubGate:
    """What ``fakefaces promote`` asks of a registry and a gate, and the outcome that they give."""

    outcome: str = "champion"
    calls: list[str] = field(default_factory=list)
    candidate: object = None
    inputs: Promotion | None = None
    force: str | None = None

    def decision(self) -> Decision:
        return Decision(outcome=self.outcome, **DECISION)


@pytest.fixture
def gate(workspace, monkeypatch) -> StubGate:
    from fakefaces.leaderboard import publishing
    from fakefaces.registry import candidates, promotion, store

    gate = StubGate()

    class Registry:
        def __init__(self, name: str, *, create: bool) -> None:
            self.name = name
            gate.calls.append(name)

        def champion(self) -> str:
            return "the champion"

        def previous_champion(self) -> SimpleNamespace:
            return SimpleNamespace(number=4)

        def roll_back(self) -> tuple[SimpleNamespace, SimpleNamespace]:
            gate.calls.append("rolled back")
            return SimpleNamespace(number=4), SimpleNamespace(number=7)

    def candidate(name: str) -> SimpleNamespace:
        gate.candidate = name
        return SimpleNamespace(version=lambda registry: f"version of {name}")

    def decide(inputs: Promotion, version: object, champion: object) -> Decision:
        assert (version, champion) == (f"version of {gate.candidate}", "the champion")
        gate.calls.append("decided")
        gate.inputs = inputs
        return gate.decision()

    def promoted(inputs: Promotion, force: str | None = None) -> tuple[SimpleNamespace, Decision]:
        gate.calls.append("promoted")
        gate.inputs, gate.force = inputs, force
        return SimpleNamespace(number=5), gate.decision()

    monkeypatch.setattr(store, "Registry", Registry)
    monkeypatch.setattr(candidates, "named_candidate", lambda registry, name, layout: candidate(f"named {name}"))
    monkeypatch.setattr(
        candidates, "best_of_pipeline", lambda layout, models, metric: candidate(f"best by {metric} of {list(models)}")
    )
    monkeypatch.setattr(promotion.Promotion, "decide", decide)
    monkeypatch.setattr(promotion, "promote", promoted)
    monkeypatch.setattr(publishing, "publish", lambda digests: gate.calls.append(f"published {digests}"))
    return gate


def promote(*arguments: str):
    return CliRunner().invoke(app, ["promote", *arguments])


def test_a_promotion_uses_the_resamples_and_the_seed_of_the_parameters_and_is_recorded(gate, workspace):
    done = promote("--force", "a reason")
    assert gate.calls == ["fake-faces", "promoted", f"published {{'{DECISION['digest']}'}}"]
    assert (gate.inputs.n_resamples, gate.inputs.seed, gate.force) == (200, 20, "a reason")
    assert gate.inputs.rule == load(workspace / "params.yaml").promote
    record = json.loads(Layout(workspace).promotion.read_text())
    assert record == {"version": 5, "outcome": "champion", "comparison": None} | DECISION
    assert done.exit_code == 0 and "fake-faces version 5" in done.stdout
    gate.outcome = "challenger"
    assert "version 5 is not champion" in str(promote().exception)


@pytest.mark.parametrize("name", [None, "3"])
def test_a_dry_run_decides_on_the_named_candidate_and_changes_nothing(gate, workspace, name):
    gate.outcome = "challenger"
    done = promote(*([name] if name else []), "--dry-run")
    assert (done.exit_code, gate.calls) == (0, ["fake-faces", "decided"])
    params = load(workspace / "params.yaml")
    best = f"best by {params.promote.metric} of {list(params.train.models)}"
    assert gate.candidate == (f"named {name}" if name else best)
    assert (gate.inputs.n_resamples, gate.inputs.seed) == (200, 20)
    assert "m is challenger" in done.stdout and "nothing was changed" in done.stdout
    assert not Layout(workspace).promotion.exists()


def test_a_rollback_restores_the_previous_champion_and_a_dry_one_does_not(gate):
    assert "version 4 would be champion again" in promote("--rollback", "--dry-run").stdout
    assert "rolled back" not in gate.calls
    assert "version 4 is champion again, in place of version 7" in promote("--rollback").stdout
    assert "rolled back" in gate.calls
    assert promote("3", "--rollback").exit_code != 0


def test_a_command_starts_without_what_takes_long_to_import():
    code = (
        "import sys, fakefaces.cli; print([m for m in ('pydantic', 'numpy', 'pandas', 'mlflow') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
