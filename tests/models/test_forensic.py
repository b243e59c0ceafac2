from dataclasses import replace

import numpy as np
import pytest

from fakefaces.data.arrays import Part
from fakefaces.features.residuals.features import mirrored
from fakefaces.inference.detector import Detector, load
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.models import runtime
from fakefaces.models.kinds import blueprint
from fakefaces.tracking.digests import digest
from fakefaces.training.loop import solved

SETTINGS = {"components": 20}
FAMILIES = [7, 5]


def part(n: int, seed: int) -> Part:
    """A fake's replaced parts are shifted in a direction, which no single box of a real is."""
    rng = np.random.default_rng(seed)
    views = rng.standard_normal((n, 7, 12)).astype(np.float32)
    parts = np.where((np.arange(n) % 2 == 1)[:, None], rng.random((n, 4)) < 0.5, False).astype(np.int8)
    parts[np.arange(n) % 2 == 1, rng.integers(4)] = 1
    views[:, :4] += 2.5 * parts[:, :, None] * np.sign(np.arange(12) - 5.5)
    return Part(views, (np.arange(n) % 2).astype(np.float32), parts)


@pytest.fixture(scope="module")
def network():
    runtime.start(seed=1, threads=2)
    return blueprint("forensic", SETTINGS, "here").fit(part(300, 0), part(80, 1), FAMILIES)


def test_it_finds_the_fakes_and_their_parts(network):
    test = part(100, 2)
    found = network.predict_on_batch(test.views)
    assert found.shape == (100, 5)
    assert ((found > 0) & (found < 1)).all()
    assert ((found[:, 0] > 0.5) == test.labels).mean() > 0.85
    assert ((found[:, 1:] > 0.5) == test.parts).mean() > 0.9
    row = solved(network, part(300, 0), part(80, 1)).history[0]
    assert row["val_roc_auc"] > 0.9


def test_scores_are_calibrated_on_validation(network):
    validation = part(80, 1)
    found = network.predict_on_batch(validation.views)
    assert found[:, 0].mean() == pytest.approx(validation.labels.mean(), abs=0.02)


@pytest.mark.parametrize(("made", "landmarks"), [(0, 1000), (30, 1000), (0, 20)])
def test_the_network_is_the_solution_in_closed_form(made, landmarks):
    """Held against the plain solution of each look, on as many components as numbers."""
    import keras

    from fakefaces.models.forensic import Settings, fit

    train, test = replace(part(60, 3), made_of=np.arange(made)), part(20, 4)
    settings = Settings(components=84, landmarks=landmarks, whitening=0.0, width=0.7, ridge=0.2)
    network = fit(settings, train, part(40, 5), [12])
    answers = keras.Model(network.input, network.get_layer("calibration").input).predict_on_batch(test.views)
    pair = lambda a, b: (a + b) / 2**0.5  # noqa: E731
    face = lambda v: np.hstack([pair(v[:, 0], v[:, 1]), v[:, 2], v[:, 3], v[:, 4], pair(v[:, 5], v[:, 6])])  # noqa: E731
    beside = lambda v, box: v[:, box] - v[:, 4:].mean(axis=1)  # noqa: E731
    looks = [
        (1.0, (0,), lambda v: [face(v)]),
        *((0.5, boxes, lambda v, of=boxes: [v[:, box - 1] for box in of]) for boxes in ((1, 2), (3,), (4,))),
        *((0.5, boxes, lambda v, of=boxes: [beside(v, box - 1) for box in of]) for boxes in ((1, 2), (3,), (4,))),
    ]
    wanted = np.zeros((20, 5))
    targets = np.column_stack([train.labels, train.parts])
    for share, outputs, look in looks:
        examples, target = np.concatenate(look(train.views)).astype(float), targets[:, outputs].T.ravel()
        scale = lambda x, of=examples: np.clip((x - of.mean(0)) / of.std(0), -6, 6)  # noqa: E731
        known = scale(examples)
        count = min(60 - made, landmarks // len(outputs))
        marks = np.linspace(0, 59 - made, count).round().astype(int)
        marked = known[np.concatenate([marks + 60 * k for k in range(len(outputs))])]
        width = 0.7 / known.var(0).sum()
        kernel = lambda x, y, w=width: np.exp(-w * ((x[:, None] - y) ** 2).sum(-1))  # noqa: E731
        wide = kernel(known, marked)
        # the loss of ridge regression, whose gradient by the weights is 0
        root = np.linalg.cholesky(kernel(marked, marked) + 1e-10 * np.eye(len(marked))).T
        left = np.concatenate([wide, np.sqrt(0.2) * root])
        right = np.concatenate([target - target.mean(), np.zeros(len(marked))])
        weights = np.linalg.lstsq(left, right, rcond=None)[0]
        # 60 centred examples span 59 of the 60 numbers of a face; what of a test image lies beside them is dropped
        axes = np.linalg.svd(known - known.mean(0), full_matrices=False)[2][: min(len(known) - 1, known.shape[1])]
        for output, asked in zip(outputs, look(test.views), strict=True):
            inside = (scale(asked) - known.mean(0)) @ axes.T @ axes + known.mean(0)
            wanted[:, output] += share * (kernel(inside, marked) @ weights + target.mean())
    assert np.abs(answers - wanted).max() < 1e-3


def test_what_the_others_say_of_an_image_is_what_they_say_without_it():
    from fakefaces.models.forensic.regression import System

    rng = np.random.default_rng(2)
    places, target = rng.normal(size=(30, 3)), rng.normal(size=30)
    kernel = np.exp(-((places[:, None] - places[:12]) ** 2).sum(-1) / 4)
    own = np.arange(30).reshape(2, 15).T  # an image and a copy of it
    found = System(kernel.astype(np.float32), np.arange(12), 0.3).left_out(target, own)
    for rows in own:
        others = np.delete(kernel, rows, axis=0)
        weights = np.linalg.solve(others.T @ others + 0.3 * kernel[:12], others.T @ np.delete(target, rows))
        assert found[rows] == pytest.approx(kernel[rows] @ weights, abs=1e-4)


def test_a_family_that_tells_nothing_counts_for_nothing():
    from fakefaces.models.forensic import weighed
    from fakefaces.models.forensic.looks import LOOKS
    from fakefaces.models.forensic.regression import Settings, shares, solve

    told = part(200, 6)
    silent = replace(told, views=np.random.default_rng(1).normal(size=told.views.shape).astype(np.float32))
    for look in LOOKS:
        loud, mute = (solve(Settings(components=20), look, each) for each in (told, silent))
        assert loud.skill > 0.4 > 0.25 > mute.skill >= 0
        (one,), (other,) = weighed([[loud], [mute]])
        assert one.weights == pytest.approx(look.share * loud.weights * loud.skill / (loud.skill + mute.skill))
        assert one.level + other.level == pytest.approx(look.share * loud.level)
    assert shares([0.0, 0.0]).tolist() == [0.5, 0.5]


def test_a_look_at_parts_sees_the_part_or_how_it_differs_from_skin():
    from fakefaces.models.forensic.looks import LOOKS

    views = part(9, 8).views
    seen = {look.name: look.of(views) for look in LOOKS}
    assert seen["face"].shape == (1, 9, 60)
    for name, boxes in {"eyes": (0, 1), "nose": (2,), "mouth": (3,)}.items():
        for one, other, box in zip(seen[name], seen[f"{name}_beside_skin"], boxes, strict=True):
            assert one == pytest.approx(views[:, box])
            assert other == pytest.approx(views[:, box] - views[:, 4:].mean(axis=1), abs=1e-5)
    for look in LOOKS:
        assert look.of(mirrored(views))[::-1] == pytest.approx(look.of(views), abs=1e-5)


def test_a_mirror_image_has_the_same_scores_with_its_eyes_exchanged(network):
    views = part(30, 7).views
    there = network.predict_on_batch(mirrored(views))
    assert np.abs(there[:, [0, 2, 1, 3, 4]] - network.predict_on_batch(views)).max() < 1e-5  # built in, not learned


def test_unknown_parts_of_a_fake_are_taken_as_usual_ones():
    runtime.start(seed=1, threads=2)
    train = part(100, 0)
    train.parts[1] = -1
    found = blueprint("forensic", SETTINGS, "here").fit(train, part(80, 1), FAMILIES).predict_on_batch(train.views)
    assert np.isfinite(found).all()


def test_a_detector_of_this_kind_is_saved_loaded_and_the_same_each_time(network, tmp_path):
    metadata = DetectorMetadata(
        model="m", kind="forensic", extractor="residuals", image_size=64, weights="w", threshold=0.5, parameters=1
    )
    Detector(network, metadata).save(tmp_path / "one")
    again = load(tmp_path / "one")
    views = part(5, 6).views
    assert np.abs(again.outputs(views) - Detector(network, metadata).outputs(views)).max() < 1e-6
    assert list(again.parts(again.outputs(views)[0])) == ["left_eye", "right_eye", "nose", "mouth"]
    Detector(blueprint("forensic", SETTINGS, "here").fit(part(300, 0), part(80, 1), FAMILIES), metadata).save(
        tmp_path / "two"
    )
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_part_scores_are_painted_on_their_boxes():
    from fakefaces.explain.heatmaps import part_score_heatmaps
    from fakefaces.explain.regions import BOXES

    maps = part_score_heatmaps(np.eye(4) * 0.8 + 0.1)
    assert maps.max(axis=(1, 2)) == pytest.approx(1)
    for one, (left, top, right, bottom) in zip(maps, BOXES.values(), strict=True):
        row, column = np.unravel_index(one.argmax(), one.shape)
        assert left < (column + 0.5) / len(one) < right
        assert top < (row + 0.5) / len(one) < bottom
