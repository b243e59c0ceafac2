"""Memory is bounded by a budget, whatever comes in and however many threads there are."""

import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fakefaces.data.memory import Budget
from tests.graphs import write_detector

PREDICT = """
import re, sys
from pathlib import Path
from fakefaces.inference.detector import load
from fakefaces.inference.predict import score_files
scores = list(score_files(load(Path(sys.argv[1])), [Path(sys.argv[2])] * 16, threads=8))
assert not [score.problem_detail for score in scores if score.problem], scores
# Not getrusage's, which the process inherits from the one that started it.
print(1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"progressive": True, "subsampling": 0}], ids=["baseline", "progressive"])
def test_sixteen_photographs_of_50_megapixels_on_eight_threads_take_less_than_one_and_a_half_gigabytes(
    tmp_path: Path, options: dict
):
    small = np.random.default_rng(1).integers(0, 256, (768, 1024, 3), dtype=np.uint8)
    Image.fromarray(cv2.resize(small, (8192, 6144))).save(tmp_path / "a.jpg", quality=85, **options)
    command = [sys.executable, "-c", PREDICT, str(write_detector(tmp_path / "detector")), str(tmp_path / "a.jpg")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1.5e9


def test_what_is_reserved_is_held_by_no_image_and_nobody_waits_for_it_forever():
    budget, order = Budget(10), []

    def work() -> None:
        with budget.hold(25):
            order.append("held alone")

    with budget.hold(10):
        waiting = threading.Thread(target=work)
        waiting.start()  # for all of it, of which less is left when its turn comes
        budget.reserve(4)
        order.append("reserved")
    waiting.join(timeout=10)
    assert order == ["reserved", "held alone"] and budget.total == 6
    with budget.hold(6):
        pass


def test_a_budget_is_never_exceeded_and_what_exceeds_it_is_held_alone():
    budget, lock = Budget(10), threading.Lock()
    held, most, alone = [0], [0], []

    def work(size: int) -> None:
        for _ in range(50):
            with budget.hold(size):
                with lock:
                    held[0] += min(size, 10)
                    most[0] = max(most[0], held[0])
                    if size > 10:
                        alone.append(held[0] == 10)
                with lock:
                    held[0] -= min(size, 10)

    threads = [threading.Thread(target=work, args=(size,)) for size in (1, 3, 4, 6, 10, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held == [0] and most[0] <= 10 and len(alone) == 50 and all(alone)


def test_what_was_held_is_given_back_after_an_error():
    budget = Budget(5)
    for _ in range(3):
        with pytest.raises(ValueError, match="inside"), budget.hold(5):
            raise ValueError("inside")
    with budget.hold(5):
        pass


GIVEN_BACK = """
import re
import threading
from pathlib import Path
import numpy as np
from fakefaces.data.memory import Budget
def resident():
    return 1024 * int(re.search(r"VmRSS:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
def work():
    blocks = [np.ones(2**16, np.uint8) for _ in range(4000)]
    last = np.ones(1)  # above them, so that they are not the end of what the C library has taken
    del blocks
    done.release()
    end.wait()
done, end = threading.Semaphore(0), threading.Event()
before = resident()
thread = threading.Thread(target=work)
thread.start()
done.acquire()
print(resident() - before)
for size in (1_000_000, 200_000_000):
    with Budget(10**9).hold(size):
        print(resident() - before)
end.set()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_was_freed_is_given_back_before_a_large_picture_takes_more():
    done = subprocess.run([sys.executable, "-c", GIVEN_BACK], capture_output=True, text=True, check=True)
    kept, beside_a_small_one, beside_a_large_one = map(int, done.stdout.split())
    assert min(kept, beside_a_small_one) > 50_000_000
    assert beside_a_large_one < kept / 4


def test_what_is_kept_gives_way_to_what_has_no_room_beside_it_and_to_nothing_else():
    budget, asked, held = Budget(10), threading.Event(), []

    def keep() -> None:
        with budget.hold(7, asked.set):
            kept.set()
            asked.wait(20)
            held.append("kept")

    def work(size: int) -> None:
        with budget.hold(size):
            held.append(size)

    for first in ("kept", "waiting"):
        kept = threading.Event()
        asked.clear()
        held.clear()
        keeping, working = threading.Thread(target=keep), threading.Thread(target=work, args=(25,))
        if first == "kept":
            keeping.start()
            kept.wait(20)
            threads = [threading.Thread(target=work, args=(3,)) for _ in range(4)]  # one after the other, beside it
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            assert held == [3, 3, 3, 3] and not asked.is_set()
            working.start()
        else:  # a large one stands behind it in the queue already
            with budget.hold(10):
                keeping.start()
                while len(budget._waiting) < 1:
                    time.sleep(0.01)
                working.start()
                while len(budget._waiting) < 2:
                    time.sleep(0.01)
                assert not asked.is_set()
        working.join(20)
        keeping.join(20)
        assert held[-2:] == ["kept", 25]
