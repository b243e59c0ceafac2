"""A thousand bad and odd files beside good ones: a row each, no traceback, and the good ones keep their scores."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakefaces.base.names import printable
from tests.conftest import picture
from tests.graphs import write_detector
from tests.scoring.conftest import rows_of
from tests.torture.bad_files import PROBLEM, SCORE, OddFile, saved, write_odd_files
from tests.torture.conftest import fakefaces, scaled

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Odd files with good ones between them, and two photographs as the largest phones take them."""
    folder = tmp_path_factory.mktemp("odd") / "in"
    folder.mkdir()
    write_detector(folder.parent / "model")
    write_detector(folder.parent / "other", model="other")
    return folder


@pytest.fixture(scope="module")
def odd(folder) -> list[OddFile]:
    return write_odd_files(folder, scaled(1_000), seed=17)


@pytest.fixture(scope="module")
def good(folder) -> list[Path]:
    rng, paths = np.random.default_rng(3), []
    for k in range(0, scaled(1_000), 25):
        paths.append(folder / f"{k:04d}_good.jpg")
        picture(rng, bool(k % 2)).save(paths[-1], quality=90)
    for name in ("0000_large.jpg", "0500_large.jpg"):
        large = Image.effect_noise((1024, 768), 50).resize((8192, 6144)).convert("RGB")
        paths.append(folder / name)
        paths[-1].write_bytes(saved(large, "JPEG", quality=80, progressive=name.startswith("05")))
    return paths


@pytest.fixture(scope="module")
def alone(folder, good) -> dict[str, dict]:
    """The rows of the good files without any odd one beside them."""
    done = fakefaces("predict", *good, "--model", "model", "--json", cwd=folder.parent)
    assert done.code == 0, done.err
    return {row["path"]: row for row in map(json.loads, done.out.splitlines())}


def check(rows: list[dict], odd: list[OddFile], alone: dict[str, dict]) -> None:
    by_path = {row["path"]: row for row in rows}
    assert len(by_path) == len(rows) == len(odd) + len(alone)
    for row in rows:
        assert (row["p_fake"] is None) == bool(row["problem"]) == bool(row["problem_detail"])
        assert row["problem"] != "crashed", row
        assert row["p_fake"] is None or 0 <= row["p_fake"] <= 1
    answers = [(file, by_path[printable(file.path)]["problem_detail"]) for file in odd]
    assert not [(file.kind, detail) for file, detail in answers if file.expected == (SCORE if detail else PROBLEM)]
    assert {path: by_path[path] for path in alone} == alone


def test_predict_has_a_row_for_each_and_good_files_keep_their_scores(folder, odd, alone):
    done = fakefaces("predict", folder, "--model", "model", "--json", "--threads", 4, cwd=folder.parent)
    assert done.code == 1
    check([json.loads(line) for line in done.out.splitlines()], odd, alone)
    assert done.last_line().endswith("files could not be scored")


def test_score_has_a_row_for_each_and_good_files_keep_their_scores(folder, odd, alone):
    output = folder.parent / "out"
    done = fakefaces("score", folder, output, "--model", "model", "--jobs", 2, "--part-size", 50, cwd=folder.parent)
    assert done.code == 0, done.err[-2000:]
    special = [file for file in odd if not file.path.is_file() and file.path.exists()]
    assert f"{len(special)} files that are not regular" in done.err
    check(rows_of(output), [file for file in odd if file not in special], alone)
