"""The test images that a version keeps, and what a server learns from them before it uses the version."""

import hashlib
import json
from dataclasses import replace

import pytest

from fakefaces.base.errors import ModelError
from fakefaces.inference import detector
from fakefaces.inference.kept_examples import FOLDER, SCORES, check_kept_examples, read_kept_examples
from fakefaces.registry.candidates import PromotionCandidate, Unregistered
from fakefaces.registry.promotion import Promotion, promote
from fakefaces.registry.store import Registry
from fakefaces.tracking.detectors import fetch_detector
from tests.conftest import write_photographs
from tests.graphs import write_detector, write_residual_detector
from tests.tracking.factories import RULE, evaluated, trained

pytestmark = pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)


@pytest.fixture
def model(tracked, tmp_path):
    """The folder of a champion that keeps examples."""
    folder = trained(tracked, "m", detector=write_detector(tmp_path / "mean"))
    write_photographs(tracked / "photographs", reals=4, fakes=4)
    loaded = detector.load(folder)
    evidence = evaluated(tracked, "m", 1, n=8)
    files = sorted((tracked / "photographs").rglob("*.jpg"))
    table = evidence.predictions.assign(
        image=[path.relative_to(tracked / "photographs").as_posix() for path in files],
        sha256=[hashlib.sha256(path.read_bytes()).hexdigest() for path in files],
        label=[int("fake" in path.parts[-2]) for path in files],
        p_fake=[loaded.score("", path.read_bytes).p_fake for path in files],
    )
    files[0].write_bytes(b"another image since")
    candidate = PromotionCandidate(replace(evidence, predictions=table), Unregistered("outputs/models/m", folder))
    promotion = Promotion(Registry(RULE.name), candidate, RULE, None, 200, 0, tracked / "photographs")
    for _ in range(2):
        promote(promotion)
    return fetch_detector("models:/fake-faces@champion").parents[1], table


def test_a_version_keeps_two_images_of_each_class_with_their_scores(model):
    folder, table = model
    kept = read_kept_examples(folder)
    labels = table.set_index("sha256").loc[list(kept.files), "label"]
    assert sorted(labels) == [0, 0, 1, 1]
    assert kept.p_fake == dict(table.set_index("sha256").loc[list(kept.files), "p_fake"])
    loaded = detector.load(folder / "artifacts" / "detector")
    assert check_kept_examples(loaded, folder) == 4
    next(path for path in (folder / FOLDER).iterdir() if path.name != SCORES).unlink()  # a person asked for it
    assert check_kept_examples(loaded, folder) == 3


def test_a_detector_that_scores_them_otherwise_is_not_what_was_evaluated(model, tmp_path):
    folder, _ = model
    other = detector.load(write_residual_detector(tmp_path / "other"))
    with pytest.raises(ModelError, match="not what was evaluated"):
        check_kept_examples(other, folder)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a": "b"}', '{"a": null}', "[" * 10_000, json.dumps(dict.fromkeys("abcdefghijklmnopq", 1))]
)
def test_damaged_examples_are_one_sentence(model, text):
    folder, _ = model
    (folder / FOLDER / SCORES).write_text(text)
    with pytest.raises(ModelError, match="its examples are damaged"):
        read_kept_examples(folder)


def test_an_example_that_was_changed_is_named(model):
    folder, _ = model
    path = next(path for path in (folder / FOLDER).iterdir() if path.name != SCORES)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ModelError, match=f"{path.name[:8]} was changed"):
        read_kept_examples(folder)
