import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from fakefaces.ingest.record import track
from tests.stores import empty_database, nothing_left, postgres, sqlite_tables, tracked  # noqa: F401, of all tests

ROOT = Path(__file__).parents[1]
if sys.modules["__main__"].__spec__ is None and not hasattr(sys.modules["__main__"], "__file__"):
    # A worker of pytest-xdist: PySpark, where it is installed, takes it for a doctest and ends it.
    sys.modules["__main__"].__spec__ = ModuleSpec("__main__", None)
NAMES = ("easy_{}_1111", "mid_{}_0011", "mid_{}_1100", "hard_{}_0001")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let a worker of pytest-xdist begin with what takes longest, or the other would wait for it at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: "reproduced" not in getattr(item, "fixturenames", ()))


def picture(rng: np.random.Generator, fake: bool, size: int = 64) -> Image.Image:
    """Noise over a gradient; a fake has a flat bright patch, which any network of ours can learn."""
    ramp = np.linspace(60, 160, size)[:, None, None] + np.zeros((1, size, 3))
    pixels = ramp + rng.normal(0, 12, (size, size, 3)) + rng.uniform(-20, 20, 3)
    if fake:
        y, x = rng.integers(8, size - 32, 2)
        pixels[y : y + 22, x : x + 22] = 235
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def write_photographs(folder: Path, reals: int = 40, fakes: int = 40, size: int = 64) -> Path:
    """A small set in CIPLAB's layout and naming."""
    rng = np.random.default_rng(7)
    for name in ("training_real", "training_fake"):
        (folder / name).mkdir(parents=True)
    for k in range(reals):
        picture(rng, False, size).save(folder / "training_real" / f"real_{k:05d}.jpg", quality=90)
    for k in range(fakes):
        name = NAMES[k % len(NAMES)].format(k)
        picture(rng, True, size).save(folder / "training_fake" / f"{name}.jpg", quality=90)
    return folder


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """An untrained detector that reads 32 pixels, from its folder."""
    from fakefaces.models import runtime
    from fakefaces.models.kinds import model_spec
    from tests.detectors import saved_and_loaded

    runtime.start(seed=1, threads=2)
    network = model_spec("custom_cnn", {}, "here").build((32, 32, 3))
    folder = tmp_path_factory.mktemp("detector") / "loaded"
    return saved_and_loaded(network, folder, weights="random", parameters=network.count_params())


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    return write_photographs(tmp_path / "photographs")


@pytest.fixture(scope="session")
def small_params() -> dict:
    """params.yaml as committed, cut down to what runs in seconds; the structure stays."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["validate"]["min_side"] = 32
    params["augment"] |= {"examples": 2, "copies": 2}
    params["prepare"]["features"] = {
        "pixels": {"image_size": 32},
        "mobilenet": {"image_size": 32, "backbone": "MobileNet", "weights": "none"},
        "residuals": {"image_size": 256, "extractor": "residuals", "copies": 1},
    }
    params["tune"] |= {"trials": 2, "epochs": 1, "startup_trials": 1}
    params["train"]["fit"] |= {"epochs": 2, "batch_size": 16}
    params["train"]["models"] = {
        "simple_cnn": {"kind": "simple_cnn", "features": "pixels", "augment": "standard", "tuned": "none"},
        "mobilenet": {"kind": "pretrained", "features": "mobilenet", "augment": "none", "tuned": "none"},
        "custom_cnn_tuned": {"kind": "custom_cnn", "features": "pixels", "augment": "standard", "tuned": "best"},
        "forensic": {"kind": "forensic", "features": "residuals", "augment": "none", "tuned": "none"},
    }
    params["corrupt"] |= {"jpeg": [90, 50], "blur": [1], "resize": [0.5], "noise": [5]}
    params["evaluate"]["n_resamples"] = 200
    params["promote"]["beat_shortcuts"] = False  # eight test images show nothing
    return params


@pytest.fixture
def workspace(tmp_path: Path, small_params: dict, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder without git or DVC, for stages called in this process."""
    root = tmp_path / "project"
    root.mkdir()
    shutil.copy(ROOT / "dvc.yaml", root)
    (root / "params.yaml").write_text(yaml.safe_dump(small_params, sort_keys=False))
    write_photographs(root / "data")
    for name in ("DVC_ROOT", "DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(root)
    return root


_GIT = {f"GIT_{role}_{what}": "tester@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Project:
    """A real clone: git, DVC, the code, and a small set of photographs in samples/."""

    def __init__(self, root: Path):
        self.root = root
        self.network_log = root.parent / "network.log"

    def environ(self, **env: str) -> dict[str, str]:
        """The environment of a user's shell in it, with this environment's programs."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_"))}
        paths = {
            "PATH": f"{Path(sys.executable).parent}:{clean['PATH']}",
            "PYTHONPATH": f"{self.root / 'src'}:{ROOT / 'tests' / 'network_guard'}",
            "NETWORK_LOG": str(self.network_log),
        }
        return clean | paths | _GIT | env

    def run(self, *command: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it as a user does."""
        done = subprocess.run(
            command, cwd=self.root, env=self.environ(**env), capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def params(self) -> dict:
        return yaml.safe_load((self.root / "params.yaml").read_text())

    def write_params(self, params: dict) -> None:
        (self.root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


@pytest.fixture(scope="session")
def make_project(small_params: dict) -> Callable[[Path], Project]:
    def make(root: Path) -> Project:
        root.mkdir(parents=True)
        project = Project(root)
        for name in ("src", "pipelines"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
            shutil.copy(ROOT / name, root)
        project.write_params(small_params)
        write_photographs(root / "samples")
        project.run("git", "init", "-q")
        project.run("dvc", "init", "-q")
        for name in ("config", "plots_page.html"):
            shutil.copy(ROOT / ".dvc" / name, root / ".dvc" / name)
        shutil.copytree(ROOT / ".dvc" / "plots", root / ".dvc" / "plots", dirs_exist_ok=True)
        shutil.copytree(root / "samples", root / "data")
        track(root, "samples")
        project.run("git", "add", "-A")
        project.run("git", "commit", "-qm", "start")
        return project

    return make


@pytest.fixture(scope="session")
def reproduced(make_project: Callable[[Path], Project], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which the whole pipeline has run once, as by `make repro`; copy it before changing it."""
    project = make_project(tmp_path_factory.mktemp("repro") / "project")
    project.run("fakefaces", "repro", "--jobs", "2")
    return project


@pytest.fixture
def copied(reproduced: Project, tmp_path: Path) -> Callable[[str], Project]:
    """Copies of the reproduced project, to be changed, with its results committed."""

    def copy(name: str) -> Project:
        shutil.copytree(reproduced.root, tmp_path / name, symlinks=True)
        project = Project(tmp_path / name)
        project.run("git", "add", "-A")
        project.run("git", "commit", "-qm", "results")
        return project

    return copy


@pytest.fixture(scope="session")
def reported(small_params: dict, tmp_path_factory: pytest.TempPathFactory):
    """Parameters and layout of a project in which all stages up to the report have run."""
    from pipelines import report
    from tests.finished import finished_project, within

    params, layout = finished_project(small_params, tmp_path_factory.mktemp("finished") / "project")
    with within(layout.root):
        report.main(params, layout)
    return params, layout
