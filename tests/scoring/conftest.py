"""A detector without a network, pickled into workers, and small photographs."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fakefaces.base.errors import ImageError
from fakefaces.data import images
from fakefaces.inference.score import Score
from fakefaces.scoring import local
from fakefaces.scoring.inputs import find_inputs
from fakefaces.scoring.listing import ModelIdentity
from fakefaces.scoring.model import Model
from fakefaces.scoring.receipt import Manifest
from fakefaces.scoring.run import run
from fakefaces.scoring.storage import Storage
from tests.conftest import picture

IDENTITY = ModelIdentity(source="models:/m/1", name="m", version="1", digest="0" * 64, threshold=0.5)


@dataclass(frozen=True)
class MeanScorer:
    """Scores the mean of an image, 0 to 1. Some files' content ends the process, as a fault in a decoder would."""

    seconds: float = 0.0  # that an image takes

    def score(self, name: str, read: Callable[[], bytes]) -> Score:
        try:
            data = read()
            if data == b"kill me":
                os.kill(os.getpid(), signal.SIGKILL)
            if data == b"raise":
                raise RuntimeError("unforeseen")
            mean = float(images.decode(data, name).mean()) / 255
        except ImageError as error:
            return Score(path=name, problem=error.problem, problem_detail=str(error), model_version="1")
        time.sleep(self.seconds)
        return Score(path=name, p_fake=mean, label="fake" if mean >= 0.5 else "real", model_version="1")


def write_images(folder: Path, count: int, size: int = 24) -> list[Path]:
    """Small photographs of different content, in folders of ten."""
    rng = np.random.default_rng(3)
    paths = []
    for k in range(count):
        path = folder / f"{k // 10:02d}" / f"{k:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(rng, False, size).save(path, quality=90)
        paths.append(path)
    return paths


def rows_of(output: Path) -> list[dict]:
    """All rows of an output, in the order of the parts."""
    return [row for path in sorted(output.glob("part-*.parquet")) for row in pq.read_table(path).to_pylist()]


def score(
    source: Path | str,
    output: Path | str,
    *,
    part_size: int | None = 10,
    jobs: int = 2,
    load: Callable = MeanScorer,
    column: str | None = None,
    model: ModelIdentity = IDENTITY,
) -> Manifest:
    """Score with the local engine."""
    engine = partial(local.run, load=load, jobs=jobs)
    inputs = find_inputs(str(source), column)
    return run(Storage(str(output)), inputs, Model(Path("nowhere"), model), engine, "local", part_size)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path / "photographs", 25)
    return tmp_path / "photographs"
