"""The fit of `forensic` on rows that are read from files, some at a time."""

from dataclasses import replace

import numpy as np
import pytest

from fakefaces.data.arrays import SplitArrays, TrainArrays
from fakefaces.data.stored_rows import JoinedRows, StoredRows
from fakefaces.models.forensic.ensemble import fit_ensemble
from fakefaces.models.forensic.regression import KernelRegression
from fakefaces.models.forensic.settings import Settings
from fakefaces.models.forensic.unfamiliarity import fit_unfamiliarity
from tests.models.test_forensic import GROUP_SIZES, arrays


def fit_everything(train: TrainArrays):
    """The regressions of all selectors on both groups of features and their stacks, and that of unfamiliarity."""
    ensemble = fit_ensemble(Settings(components=20, landmarks=40), train, [(0, 7), (7, 12)])
    return ensemble, fit_unfamiliarity(train, GROUP_SIZES)


def weights(ensemble) -> list[bytes]:
    regressions = [one for of_group in ensemble.regressions for experts in of_group for one in experts]
    gammas = [one.kernel.gamma for one in regressions if isinstance(one, KernelRegression)]
    return [*(one.weights.tobytes() for one in [*regressions, *ensemble.stacks]), np.array(gammas).tobytes()]


@pytest.fixture(scope="module")
def with_copies_and_strangers():
    """Images of which each has two copies, and one stranger of each."""
    images, changes = arrays(SplitArrays, 60, 3), arrays(SplitArrays, 180, 9).features
    order = np.repeat(np.random.default_rng(4).permutation(60), 2)
    return TrainArrays(
        np.concatenate([images.features, images.features[order] + 0.3 * changes[:120]]),
        np.concatenate([images.labels, images.labels[order]]),
        np.concatenate([images.replaced, images.replaced[order]]),
        copy_of=order,
        strangers=images.features + changes[120:],
    )


@pytest.fixture(scope="module")
def at_once(with_copies_and_strangers):
    return fit_everything(with_copies_and_strangers)


def test_rows_of_a_file_give_the_same_bytes_as_arrays(with_copies_and_strangers, at_once, tmp_path):
    train, (expected, unfamiliar) = with_copies_and_strangers, at_once
    np.save(tmp_path / "originals.npy", train.features[:60])
    np.save(tmp_path / "strangers.npy", train.strangers.reshape(30, 2, 7, 12))
    originals = StoredRows(tmp_path / "originals.npy", np.arange(60))
    strangers = StoredRows(tmp_path / "strangers.npy", np.arange(60), axes=2)
    rows = replace(train, features=JoinedRows([originals, train.features[60:]]), strangers=strangers)
    ensemble, of_rows = fit_everything(rows)
    assert weights(ensemble) == weights(expected)
    assert of_rows.weights.tobytes() == unfamiliar.weights.tobytes()
    assert (of_rows.level, of_rows.gamma) == (unfamiliar.level, unfamiliar.gamma)


class Watched(StoredRows):
    """Rows of a file that remember how many were read at a time."""

    most = 0

    def __getitem__(self, which):
        rows = super().__getitem__(which)
        self.most = max(self.most, len(rows))
        return rows


def test_images_in_many_blocks_have_the_solution_of_one(with_copies_and_strangers, at_once, tmp_path, monkeypatch):
    np.save(tmp_path / "images.npy", with_copies_and_strangers.features)
    watched = Watched(tmp_path / "images.npy", np.arange(180))
    train, (expected, unfamiliar) = replace(with_copies_and_strangers, features=watched), at_once
    monkeypatch.setattr("fakefaces.data.stored_rows._CHUNK", 8 * 7 * 12 * 4)
    for name, size in {"examples.BLOCK": 47, "examples._PIECE": 9, "projection._PIECE": 5, "ridge.BLOCK": 53}.items():
        monkeypatch.setattr(f"fakefaces.models.forensic.{name}", size)
    ensemble, in_blocks = fit_everything(train)
    test = arrays(SplitArrays, 30, 5).features
    for one, other in zip(expected.regressions[0], ensemble.regressions[0], strict=True):
        for of_one, of_other in zip(one, other, strict=True):
            assert of_other.left_out == pytest.approx(of_one.left_out, abs=1e-3)
            assert of_other.predict(test[..., :7]) == pytest.approx(of_one.predict(test[..., :7]), abs=1e-3)
    mean = expected.regressions[0][0][0].kernel.projection.standardise.mean
    assert ensemble.regressions[0][0][0].kernel.projection.standardise.mean.tobytes() == mean.tobytes()
    assert ensemble.predict(test) == pytest.approx(expected.predict(test), abs=1e-2)
    assert in_blocks.predict(test) == pytest.approx(unfamiliar.predict(test), abs=1e-3)
    assert watched.most == 9


def test_of_many_images_some_are_left_out_to_weigh_the_regressions(with_copies_and_strangers, at_once, monkeypatch):
    train, (expected, _) = with_copies_and_strangers, at_once
    monkeypatch.setattr("fakefaces.models.forensic.experts._LEFT_OUT", 20)
    ensemble, _ = fit_everything(train)
    for of_all, of_some in zip(expected.regressions[0][:7], ensemble.regressions[0][:7], strict=True):
        for one, other, n in zip(of_all, of_some, (60, 120), strict=True):
            assert other.weights.tobytes() == one.weights.tobytes()
            assert (len(one.left_out), len(other.left_out)) == (n, 20)
