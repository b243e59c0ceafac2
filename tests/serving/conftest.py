from pathlib import Path

import numpy as np
import pytest

from fakefaces.inference import detector
from fakefaces.inference.detector import Detector
from fakefaces.inference.predict import p_fakes, score_files
from fakefaces.tracking.detectors import requirements
from tests.conftest import write_photographs
from tests.graphs import write_detector, write_residual_detector
from tests.serving.environments import new_environment
from tests.tracking.factories import evaluated, operating_point, promoted, trained

N = 60


@pytest.fixture
def mean_detector(tmp_path: Path) -> Detector:
    """A detector whose score of an image is its mean, and of its parts one to four tenths of that."""
    return detector.load(write_detector(tmp_path / "mean"))


@pytest.fixture
def registered(tracked: Path, tmp_path: Path) -> Path:
    """A project with a champion that is unsure of half of the 60 photographs in the folder ``more``."""
    folder = trained(tracked, "m", detector=write_residual_detector(tmp_path / "residual"))
    write_photographs(tracked / "more", reals=N // 2, fakes=N // 2)
    scores = p_fakes(score_files(detector.load(folder), photographs(tracked), threads=2))
    middle = float(np.median(scores))
    promoted(tracked, evaluated(tracked, "m", 1, operating_point(middle, low=middle)))
    return tracked


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with what a registered model requires; all of them require the same."""
    return new_environment(tmp_path_factory.mktemp("travel") / "venv", requirements())


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A working directory that has nothing to do with the project."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def photographs(root: Path) -> list[Path]:
    """The photographs that a ``registered`` project's champion is unsure of half of."""
    return sorted((root / "more").rglob("*.jpg"))
