"""A set that grows: the outputs are those of a run from nothing, and only what is new is read and computed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fakefaces.base.paths import Layout
from fakefaces.data import computed
from fakefaces.params.file import load
from pipelines import corrupt, duplicates, prepare, split, validate
from tests.conftest import picture


def run_stages(root: Path) -> dict[str, bytes]:
    """Run all stages that work on images one by one; the contents of their outputs by name."""
    layout, params = Layout(root), load(root / "params.yaml")
    for stage in (duplicates, split, validate, corrupt):
        stage.main(params, layout)
    for name in ("pixels", "residuals"):
        prepare.main(params, layout, name)
    outputs = [*(root / "outputs").rglob("*"), layout.duplicate_pairs, layout.reports / "validation.json"]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(outputs) if path.is_file()}


@pytest.fixture
def small(workspace):
    """Fourteen photographs of each class."""
    for folder in ("training_real", "training_fake"):
        for path in sorted((workspace / "data" / folder).iterdir())[14:]:
            path.unlink()
    return workspace


def change(data: Path) -> list[str]:
    """Add, remove, relabel, rename and copy photographs; returns the names of new contents."""
    rng = np.random.default_rng(99)
    added = ["training_real/a new one.jpg", "training_fake/mid_9999_0011.png"]
    for k, name in enumerate(added):
        picture(rng, fake=k == 1).save(data / name)
    reals, fakes = (sorted((data / folder).glob("*_*")) for folder in ("training_real", "training_fake"))
    reals[0].unlink()
    fakes[2].unlink()
    reals[1].rename(data / "training_fake" / "relabelled.jpg")
    reals[2].rename(data / "training_real" / "renamed.jpg")
    shutil.copy(reals[3], data / "training_real" / "zz copy.jpg")
    return added


def test_a_changed_set_gives_the_bytes_of_a_run_from_nothing_and_only_new_photographs_are_worked_on(
    small, tmp_path, monkeypatch
):
    run_stages(small)
    added = change(small / "data")
    worked_on: list[str] = []
    read = computed.read_content
    monkeypatch.setattr(
        computed, "read_content", lambda root, name, *rest: worked_on.append(name) or read(root, name, *rest)
    )
    grown = run_stages(small)
    assert set(worked_on) == set(added)
    assert len(worked_on) <= 5 * len(added)  # once a stage
    worked_on.clear()
    assert run_stages(small) == grown
    assert worked_on == []
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(small / name, fresh)
    # Another order of the folder's entries, and other times.
    for path in sorted((small / "data").rglob("*.*"), reverse=True):
        target = fresh / path.relative_to(small)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    monkeypatch.chdir(fresh)
    from_nothing = run_stages(fresh)
    assert {name for name in grown if grown[name] != from_nothing.get(name)} == set()
    assert grown.keys() == from_nothing.keys()
