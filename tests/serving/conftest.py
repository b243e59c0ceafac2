from pathlib import Path

import pytest

from fakefaces.inference.detector import Detector, load
from tests.graphs import write_mean_detector


@pytest.fixture
def mean_detector(tmp_path: Path) -> Detector:
    """A detector whose score of an image is its mean, and of its parts one to four tenths of that."""
    return load(write_mean_detector(tmp_path / "mean"))
