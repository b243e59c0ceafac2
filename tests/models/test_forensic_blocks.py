"""The fit of `forensic` on rows that are read from files, some at a time."""

from dataclasses import replace

import numpy as np
import pytest

from fakefaces.data.arrays import SplitArrays, TrainArrays
from fakefaces.data.stored_rows import JoinedRows, StoredRows
from fakefaces.models.forensic.regression import fit_regressions
from fakefaces.models.forensic.selectors import SELECTORS
from fakefaces.models.forensic.settings import Settings
from fakefaces.models.forensic.unfamiliarity import fit_unfamiliarity
from tests.models.test_forensic import GROUP_SIZES, arrays


def fit_everything(train: TrainArrays):
    """The regressions of all selectors on both groups of features, and that of unfamiliarity."""
    settings, columns = Settings(components=20, landmarks=40), (slice(0, 7), slice(7, 12))
    of_groups = [fit_regressions(settings, SELECTORS, train, group) for group in columns]
    regressions = [one for of_group in of_groups for experts in of_group for one in experts]
    return regressions, fit_unfamiliarity(train, GROUP_SIZES)


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
    regressions, of_rows = fit_everything(rows)
    for one, other in zip([*expected, unfamiliar], [*regressions, of_rows], strict=True):
        assert one.weights.tobytes() == other.weights.tobytes()
        assert one.level == other.level
    assert [one.kernel.gamma for one in expected] == [one.kernel.gamma for one in regressions]
    assert unfamiliar.gamma == of_rows.gamma


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
    regressions, in_blocks = fit_everything(train)
    test = arrays(SplitArrays, 30, 5).features
    for one, other in zip(expected, regressions, strict=True):
        mean = one.kernel.projection.mean
        assert other.kernel.projection.mean.tobytes() == mean.tobytes()
        assert other.somers_d == pytest.approx(one.somers_d, abs=1e-4)
        features = test[..., :7] if len(mean) % 7 == 0 else test[..., 7:]
        assert other.predict(features) == pytest.approx(one.predict(features), abs=1e-3)
    assert in_blocks.predict(test) == pytest.approx(unfamiliar.predict(test), abs=1e-3)
    assert watched.most == 9


def test_of_many_examples_some_are_left_out_to_weigh_a_group(with_copies_and_strangers, at_once, monkeypatch):
    """The copies of every third image."""
    train, (expected, _) = with_copies_and_strangers, at_once
    monkeypatch.setattr("fakefaces.models.forensic.regression._LEFT_OUT", 40)
    selector = next(selector for selector in SELECTORS if len(selector.outputs) == 1)
    settings = Settings(components=20, landmarks=40)
    ((_, regression),) = fit_regressions(settings, [selector], train, slice(0, 7))
    _, whole = (one for one in expected if one.kernel.selector is selector and len(one.kernel.projection.mean) % 7 == 0)
    assert regression.weights.tobytes() == whole.weights.tobytes()
    assert regression.somers_d == pytest.approx(whole.somers_d, abs=0.2) and regression.somers_d != whole.somers_d
