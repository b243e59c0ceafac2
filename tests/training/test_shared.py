"""A training that several models need, on networks of one array."""

import threading
import time

import numpy as np
import pytest

from fakefaces.training.loop import FitState
from fakefaces.training.shared import SharedTraining

ROWS = [{"epoch": 1.0, "val_loss": 0.5}, {"epoch": 2.0, "val_loss": 0.25}]


class Network:
    """A network of one weight, which its training sets."""

    def __init__(self, weight: float = 0.0) -> None:
        self.weights = [np.array([weight], np.float32)]

    def get_weights(self) -> list[np.ndarray]:
        return self.weights

    def set_weights(self, weights: list[np.ndarray]) -> None:
        self.weights = weights


@pytest.fixture
def trained():
    """The weights of all trainings."""
    return []


@pytest.fixture
def once(tmp_path, trained):
    """Have a training of a version and a title; returns the weight, the state, and the epochs that were shown."""

    def have(weight: float, version: str = "1", title: str = "", seconds: float = 0.0):
        shown = []

        def train() -> tuple[Network, FitState]:
            time.sleep(seconds)
            trained.append(weight)
            shown.extend(ROWS)
            return Network(weight), FitState(ROWS, best=-0.25, best_epoch=2, seconds=weight)

        shared = SharedTraining(tmp_path / "computed" / "train-a.sqlite", version, title)
        network, state = shared.once(train, Network, shown.append)
        return float(network.get_weights()[0][0]), state, shown

    return have


def test_what_was_trained_is_taken_with_its_history(once, trained):
    first, second = once(0.1), once(0.2)
    assert trained == [0.1]
    assert first == second == (np.float32(0.1), FitState(ROWS, -0.25, 2, 0.1), ROWS)


def test_other_folds_and_other_inputs_are_trained(once, trained):
    for version, title in (("1", "seed 0, fold 0"), ("1", "seed 0, fold 1"), ("2", "seed 0, fold 0")):
        assert once(0.5, version, title)[1].history == ROWS
    assert trained == [0.5] * 3
    once(0.5, "1", "seed 0, fold 0")  # what is of another version was removed
    assert len(trained) == 4


def test_two_at_a_time_train_once(once, trained):
    results = []
    threads = [threading.Thread(target=lambda: results.append(once(len(results) + 0.5, seconds=0.3))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trained) == 1
    assert [result[0] for result in results] == [np.float32(trained[0])] * 2
