"""The process that draws heatmaps: when it starts, when it ends, and what is said where it fails."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from fakefaces.base.errors import ModelError
from fakefaces.data.memory import Budget
from fakefaces.explain import heatmap_process
from fakefaces.explain.explained_detector import ExplainedDetector
from fakefaces.explain.explanation import explain_images
from fakefaces.explain.heatmap_process import HeatmapProcess
from fakefaces.inference.metadata import DetectorMetadata
from tests.conftest import ROOT, picture
from tests.detectors import DEFAULTS, constant
from tests.explain import drawing
from tests.pictures import encoded

PAGE = """
import sys
from pathlib import Path
from tests.explain.test_heatmap_process import *
with HeatmapProcess(threads=1, load=drawing.own_number) as draw:
    print(number(draw), flush=True)
    time.sleep(600)
"""


def detector(folder: Path = Path("model"), **metadata) -> ExplainedDetector:
    return ExplainedDetector(constant(0.5), DetectorMetadata(**DEFAULTS | metadata), None, folder)


def pixels(*values: int) -> list[np.ndarray]:
    return [np.full((4, 4, 3), value, np.uint8) for value in values]


def drawn(draw: HeatmapProcess, *values: int, folder: Path = Path("model")) -> np.ndarray:
    return np.stack(draw(detector(folder), pixels(*values), [np.zeros((4, 4))] * len(values)))


def number(draw: HeatmapProcess, **given) -> int:
    return int(drawn(draw, 0, **given)[0, 0, 0])


def gone(pid: int) -> bool:
    """Whether a process ends in a minute."""
    for _ in range(600):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def test_one_process_draws_until_a_picture_needs_its_memory_and_ends_with_the_block(monkeypatch):
    budget = Budget(620_000_000)  # of which nothing is reserved, as other tests do of this process's own
    monkeypatch.setattr(heatmap_process, "BUDGET", budget)
    with HeatmapProcess(threads=1, load=drawing.own_number) as draw:
        heatmaps = drawn(draw, 3, 1, 2)
        assert heatmaps.dtype == np.float32 and heatmaps[:, 0, 1].tolist() == [3, 1, 2]
        first = int(heatmaps[0, 0, 0])
        assert first != os.getpid() and (heatmaps[:, 0, 0] == first).all()
        with budget.hold(70_000_000):  # as a photograph of 12 megapixels, for which there is room beside it
            pass
        assert number(draw) == first
        with budget.hold(300_000_000):  # one of 50
            assert not psutil.pid_exists(first)
        second = number(draw)
        assert second != first
    assert not psutil.pid_exists(second)


def test_it_ends_when_idle_and_another_networks_process_is_another():
    with HeatmapProcess(threads=1, load=drawing.own_number, idle=30) as draw:
        assert number(draw, folder=Path("a")) != number(draw, folder=Path("b"))
        draw._idle = 0.01
        assert gone(number(draw, folder=Path("b")))


def test_a_process_of_a_page_that_is_killed_ends():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    with subprocess.Popen([sys.executable, "-c", PAGE], stdout=subprocess.PIPE, text=True, env=environment) as page:
        assert page.stdout
        pid = int(page.stdout.readline())
        assert psutil.pid_exists(pid)
        page.kill()
    assert gone(pid)


def test_a_process_that_is_still_at_work_ends_with_the_block(tmp_path):
    said = []

    def ask() -> None:
        with pytest.raises(ModelError, match="the program ended") as caught:
            drawn(draw, 0, folder=tmp_path)
        said.append(caught)

    with HeatmapProcess(threads=1, load=drawing.never) as draw:
        asking = [threading.Thread(target=ask) for _ in range(2)]  # the second waits for the first
        for thread in asking:
            thread.start()
        while not (tmp_path / "network.keras").is_file() or not (tmp_path / "network.keras").read_text():
            time.sleep(0.05)
    for thread in asking:
        thread.join(20)
    assert len(said) == 2
    assert not psutil.pid_exists(int((tmp_path / "network.keras").read_text()))
    with pytest.raises(ModelError, match="the program ended"):
        drawn(draw, 0)


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        (drawing.broken, r"^model/network.keras: no heatmap could be drawn \(no such layer\)$"),
        (drawing.ends, r"^model/network.keras: the process that draws its heatmaps has failed \(it ended\)$"),
    ],
)
def test_what_fails_there_is_said_here_in_a_sentence(load, reason):
    with HeatmapProcess(threads=1, load=load) as draw:
        with pytest.raises(ModelError, match=reason):
            drawn(draw, 1)
        if load is drawing.ends:
            assert drawn(draw, 0).shape == (1, 1, 2)  # by another one


def test_heatmaps_of_scores_of_parts_need_no_process():
    with HeatmapProcess(threads=1, load=drawing.refused) as draw:
        of_parts = ExplainedDetector(constant(*[0.5] * 5), detector(extractor="residuals").metadata)
        (heatmap,) = draw(of_parts, [np.zeros(1)], [np.tile([0.2, 0.2, 0.4, 0.4], (4, 1))])
    assert heatmap.max() == 1


def test_a_photograph_without_a_heatmap_has_its_score_and_the_reason():
    image = encoded(picture(np.random.default_rng(0), fake=True, size=48))
    with HeatmapProcess(threads=1, load=drawing.refused) as draw:
        (explained,) = explain_images(detector(), [("a.png", image)], threads=1, draw=draw)
    assert (explained.score.p_fake, explained.heatmap) == (0.5, None)
    assert explained.no_heatmap == "model/network.keras: not a network that can be loaded"


@pytest.mark.slow
def test_its_heatmaps_are_those_that_this_process_draws(loaded):
    rng = np.random.default_rng(0)
    files = [(f"{k}.png", encoded(picture(rng, fake=True, size=48))) for k in range(3)]
    with HeatmapProcess(threads=loaded.threads) as draw:
        theirs = explain_images(loaded, files, threads=2, draw=draw)
        assert [explained.no_heatmap for explained in theirs] == [""] * 3
    for mine, other in zip(explain_images(loaded, files, threads=2), theirs, strict=True):
        assert mine.heatmap is not None and mine.heatmap.max() > 0
        np.testing.assert_allclose(mine.heatmap, other.heatmap, atol=1e-6)
