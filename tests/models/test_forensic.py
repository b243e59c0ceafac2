from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fakefaces.data.arrays import SplitArrays, TrainArrays, ValidationArrays
from fakefaces.data.face_regions import MIRRORED, PART_OUTLINES
from fakefaces.graphs.graph import Graph, load_graph
from fakefaces.models import runtime
from fakefaces.models.export import export
from fakefaces.models.forensic import as_layers
from fakefaces.models.forensic.experts import experts as expert_rows
from fakefaces.models.forensic.projection import Projection, Standardisation
from fakefaces.models.forensic.regression import Kernel, KernelRegression
from fakefaces.models.forensic.selectors import SELECTORS
from fakefaces.models.forensic.settings import Settings
from fakefaces.models.kinds import model_spec
from fakefaces.tracking.digests import digest
from fakefaces.training.loop import closed_form_history
from tests.detectors import save_network

SETTINGS = {"components": 20}
GROUP_SIZES = [7, 5]


A = TypeVar("A", bound=SplitArrays)


def arrays(kind: type[A], n: int, seed: int) -> A:
    """The features of a fake's replaced parts are shifted in a direction, which no single region of a real is."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 7, 12)).astype(np.float32)
    replaced = np.where((np.arange(n) % 2 == 1)[:, None], rng.random((n, 4)) < 0.5, False).astype(np.int8)
    replaced[np.arange(n) % 2 == 1, rng.integers(4)] = 1
    features[:, :4] += 2.5 * replaced[:, :, None] * np.sign(np.arange(12) - 5.5)
    return kind(features, (np.arange(n) % 2).astype(np.float32), replaced)


def fit_forensic(train: TrainArrays, validation: ValidationArrays):
    runtime.clear_session()
    return model_spec("forensic", SETTINGS, "here").fit(train, validation, GROUP_SIZES)


@pytest.fixture(scope="module")
def network():
    runtime.start(seed=1, threads=2)
    return fit_forensic(arrays(TrainArrays, 300, 0), arrays(ValidationArrays, 80, 1))


def test_it_finds_the_fakes_and_their_parts(network):
    test = arrays(SplitArrays, 100, 2)
    scores = network.predict_on_batch(test.features)
    assert scores.shape == (100, 5)
    assert ((scores > 0) & (scores < 1)).all()
    assert ((scores[:, 0] > 0.5) == test.labels).mean() > 0.85
    assert ((scores[:, 1:] > 0.5) == test.replaced).mean() > 0.9
    train, validation = arrays(TrainArrays, 300, 0), arrays(ValidationArrays, 80, 1)
    row = closed_form_history(network, train, validation, seconds=1.0).history[0]
    assert row["val_roc_auc"] > 0.9


def test_scores_are_calibrated_on_validation(network):
    validation = arrays(SplitArrays, 80, 1)
    scores = network.predict_on_batch(validation.features)
    assert scores[:, 0].mean() == pytest.approx(validation.labels.mean(), abs=0.02)


@pytest.mark.parametrize(
    ("n_copies", "landmarks", "of_copies"), [(0, 1000, False), (30, 1000, False), (30, 1000, True), (0, 20, False)]
)
def test_the_answers_in_a_kernel_are_the_solution_in_closed_form(n_copies, landmarks, of_copies):
    """Compared with the plain solution for each selector and expert, on as many components as features."""
    import keras

    from fakefaces.models.forensic import Settings, fit

    train, test = replace(arrays(TrainArrays, 60, 3), copy_of=np.arange(n_copies)), arrays(SplitArrays, 20, 4)
    settings = Settings(components=84, landmarks=landmarks, whitening=0.0, width=0.7, ridge=0.2)
    network = fit(settings, train, arrays(ValidationArrays, 40, 5), [12])
    evidence = "evidence_of_copies" if of_copies else "evidence"
    found = keras.Model(network.input, network.get_layer(evidence).input).predict_on_batch(test.features)
    pair = lambda a, b: (a + b) / 2**0.5  # noqa: E731
    face = lambda v: np.hstack([pair(v[:, 0], v[:, 1]), v[:, 2], v[:, 3], v[:, 4], pair(v[:, 5], v[:, 6])])  # noqa: E731
    minus_skin = lambda v, box: v[:, box] - v[:, 4:].mean(axis=1)  # noqa: E731
    selectors = [
        ((0,), lambda v: [face(v)]),
        *((boxes, lambda v, of=boxes: [v[:, box - 1] for box in of]) for boxes in ((1, 2), (3,), (4,))),
        *((boxes, lambda v, of=boxes: [minus_skin(v, box - 1) for box in of]) for boxes in ((1, 2), (3,), (4,))),
    ]
    expected = []
    targets = np.column_stack([train.labels, train.replaced])
    for outputs, select in selectors:
        examples, target = np.concatenate(select(train.features)).astype(float), targets[:, outputs].T.ravel()
        scale = lambda x, of=examples: np.clip((x - of.mean(0)) / of.std(0), -6, 6)  # noqa: E731
        known = scale(examples)
        count = min(60 - n_copies, landmarks // len(outputs))
        marks = np.linspace(0, 59 - n_copies, count).round().astype(int)
        marked = known[np.concatenate([marks + 60 * k for k in range(len(outputs))])]
        width = 0.7 / known.var(0).sum()
        kernel = lambda x, y, w=width: np.exp(-w * ((x[:, None] - y) ** 2).sum(-1))  # noqa: E731
        wide = kernel(known, marked)
        # the loss of ridge regression, whose gradient by the weights is 0
        root = np.linalg.cholesky(kernel(marked, marked) + 1e-10 * np.eye(len(marked))).T
        own = np.arange(len(known)) % 60 >= 30 if of_copies else np.arange(len(known)) % 60 < 60 - n_copies
        left = np.concatenate([wide[own], np.sqrt(0.2) * root])
        mean = target[own].mean()
        right = np.concatenate([target[own] - mean, np.zeros(len(marked))])
        weights = np.linalg.lstsq(left, right, rcond=None)[0]
        # 60 centred examples span 59 of the 60 numbers of a face; what of a test image lies beside them is dropped
        axes = np.linalg.svd(known - known.mean(0), full_matrices=False)[2][: min(len(known) - 1, known.shape[1])]
        for inputs in select(test.features):
            inside = (scale(inputs) - known.mean(0)) @ axes.T @ axes + known.mean(0)
            expected.append(kernel(inside, marked) @ weights + mean)
    assert found.shape == (20, 9 + 8)  # and the linear ones of the parts
    assert np.abs(found[:, :9] - np.column_stack(expected)).max() < 1e-3


@pytest.mark.parametrize("of_copies", [False, True])
def test_a_linear_regression_is_the_ridge_regression_of_its_penalty_and_of_all_the_best_one(of_copies):
    """Compared with scikit-learn's on the nose, for images that are left out with all of their photograph."""
    from sklearn.linear_model import Ridge

    from fakefaces.models.forensic.ensemble import fit_ensemble
    from fakefaces.models.forensic.linear import _RIDGES, LinearRegression

    runtime.start(seed=1, threads=2)
    train = replace(arrays(TrainArrays, 90, 3), copy_of=np.tile(np.arange(30), 2), photographs=np.arange(30) // 3)
    ensemble = fit_ensemble(Settings(**SETTINGS), train, [(0, 7), (7, 12)])
    (one,) = (
        experts[of_copies]
        for experts in ensemble.regressions[1]
        if isinstance(experts[0], LinearRegression) and experts[0].selector.name == "nose"
    )
    nose = train.features[:, 2, 7:].astype(float)
    own = np.arange(30, 90) if of_copies else np.arange(30)
    unit = np.clip((nose - nose.mean(0)) / nose.std(0), -6, 6)
    mean, deviation = unit[own].mean(0), unit[own].std(0)
    x, y = (unit[own] - mean) / deviation, train.replaced[own, 2].astype(float)
    photograph = np.arange(len(own)) % 30 // 3
    left_out, places = {}, np.concatenate([np.flatnonzero(photograph == k) for k in range(10)])
    for share in _RIDGES:
        # the mean is that of all examples, and so is the penalty
        penalty = share * 5 * len(own)
        found = np.empty(len(own))
        for k in range(10):
            rest = photograph != k
            fitted = Ridge(penalty, fit_intercept=False).fit(x[rest], y[rest] - y.mean())
            found[~rest] = fitted.predict(x[~rest]) + y.mean()
        left_out[penalty] = found
    best = min(left_out, key=lambda penalty: ((left_out[penalty] - y) ** 2).mean())
    assert one.left_out[:, 0] == pytest.approx(left_out[best][places], abs=1e-4)
    fitted = Ridge(best, fit_intercept=False).fit(x, y - y.mean())
    test = arrays(SplitArrays, 20, 4).features
    inputs = (np.clip((test[:, 2, 7:] - nose.mean(0)) / nose.std(0), -6, 6) - mean) / deviation
    assert one.predict(test[..., 7:])[:, 0] == pytest.approx(fitted.predict(inputs) + y.mean(), abs=1e-4)


def test_what_rounding_leaves_of_a_constant_feature_is_not_learned_from():
    from fakefaces.models.forensic.examples import Group
    from fakefaces.models.forensic.projection import fit_standardisations

    rng = np.random.default_rng(0)
    rounded, faint, varies = rng.normal([2.2766, 0, 2.2766], [9e-6, 9e-6, 1e-3], (500, 3)).T
    features = np.repeat(np.stack([rounded, faint, varies], axis=1)[:, None], 7, axis=1).astype(np.float32)
    nose = next(selector for selector in SELECTORS if selector.name == "nose")
    ((standardise, _),) = fit_standardisations(Group([features], slice(None)), [nose])
    assert standardise.scale[0] == 0
    assert standardise.scale[1:] == pytest.approx([1 / 9e-6, 1e3], rel=0.1)


def test_a_wide_group_of_features_has_linear_regressions_alone(monkeypatch):
    import keras

    from fakefaces.models.forensic.ensemble import fit_ensemble
    from fakefaces.models.forensic.linear import LinearRegression

    monkeypatch.setattr("fakefaces.models.forensic.ensemble._WIDE", 7)
    train, test = arrays(TrainArrays, 200, 3), arrays(SplitArrays, 100, 4)
    ensemble = fit_ensemble(Settings(**SETTINGS), train, [(0, 7), (7, 12)])
    kinds = [[type(one) for (one,) in of_group] for of_group in ensemble.regressions]
    assert kinds == [[LinearRegression] * 6, [KernelRegression] * 7 + [LinearRegression] * 6]
    network = fit_forensic(train, arrays(ValidationArrays, 80, 5))
    assert ((network.predict_on_batch(test.features)[:, 0] > 0.5) == test.labels).mean() > 0.9
    answers = keras.Model(network.input, network.get_layer("evidence").input).predict_on_batch(test.features)
    expected = [
        one.predict(test.features[..., start:end])
        for (start, end), of_group in zip(ensemble.bounds, ensemble.regressions, strict=True)
        for (one,) in of_group
    ]
    assert answers == pytest.approx(np.hstack(expected), abs=1e-4)
    runtime.clear_session()


def test_a_stack_weighs_answers_by_what_they_are_worth_and_eyes_alike():
    from fakefaces.models.forensic.stacking import fit_stack

    rng = np.random.default_rng(0)
    replaced = (rng.random((400, 4)) < 0.3).astype(np.int8)
    labels = replaced.max(axis=1).astype(np.float32)
    face, noise = labels + rng.normal(0, 1, 400), rng.normal(0, 1, 400)
    eyes = replaced[:, :2] + rng.normal(0, 0.5, (400, 2))
    nose, mouth = (replaced[:, [part]] + rng.normal(0, 0.5, (400, 1)) for part in (2, 3))
    outputs = [(0,), (0,), (1, 2), (3,), (4,)]
    answers = np.column_stack([face, noise, eyes, nose, mouth])
    replaced[::3] = -1  # unknown: not learned from
    stack = fit_stack(outputs, answers, labels, replaced)
    weights = stack.weights
    assert (weights[[0, 2, 3, 4, 5], 0] > 3 * abs(weights[1, 0])).all()
    assert weights[2, 0] == weights[3, 0] and weights[2, 1] == weights[3, 2] > 3 * abs(weights[1, 1])
    assert stack.intercepts[1] == stack.intercepts[2]
    assert weights[3, 1] == weights[2, 2] == weights[2, 3] == weights[3, 4] == 0  # a part is told by itself
    mirrored = answers[:, [0, 1, 3, 2, 4, 5]]
    assert stack.predict(mirrored)[:, [0, 2, 1, 3, 4]] == pytest.approx(stack.predict(answers))
    fake = stack.predict(answers)[:, 0]
    assert fake[labels == 1].mean() > fake[labels == 0].mean() + 0.5
    evidence = answers @ weights + stack.intercepts
    assert stack.last_weights[0, 0] > 0 and stack.last_weights[5, 0] > 0
    largest = np.column_stack([evidence[:, 0], evidence[:, 1:].max(axis=1)])
    assert fake == pytest.approx(largest @ stack.last_weights[[0, 5], 0] + stack.last_intercepts[0])
    assert roc_auc_score(labels, fake) > roc_auc_score(labels, evidence[:, 0])  # one replaced part makes a fake
    assert stack.predict(answers)[:, 1:] == pytest.approx(evidence[:, 1:])
    none_known = fit_stack(outputs, answers, labels, np.full_like(replaced, -1))
    assert none_known.weights[2, 1] == none_known.weights[0, 1] == pytest.approx(1 / 3)


def test_left_out_predictions_are_those_of_a_regression_without_the_image():
    from fakefaces.models.forensic.ridge import RidgeSystem

    rng = np.random.default_rng(2)
    places, target = rng.normal(size=(30, 3)).astype(np.float32), rng.normal(size=30)
    kernel = np.exp(-((places[:, None] - places[:12]) ** 2).sum(-1) / 4)
    groups = np.arange(30).reshape(2, 15).T  # an image and a copy of it
    alone = np.array([[29]])
    system = RidgeSystem(places, places[:12], 0.25, target, 0.3)
    predictions, single = system.leave_out([groups, alone])
    assert single == pytest.approx(system.leave_out([alone])[0])
    for rows, predicted in zip(groups, predictions, strict=True):
        others = np.delete(kernel, rows, axis=0)
        weights = np.linalg.solve(others.T @ others + 0.3 * kernel[:12], others.T @ np.delete(target, rows))
        assert predicted == pytest.approx(kernel[rows] @ weights, abs=1e-4)


def test_selectors_of_parts_select_the_part_or_its_difference_from_skin():
    from fakefaces.models.forensic.selectors import SELECTORS

    features = arrays(SplitArrays, 9, 8).features
    selected = {selector.name: selector.select(features) for selector in SELECTORS}
    assert selected["face"].shape == (1, 9, 60)
    for name, regions in {"eyes": (0, 1), "nose": (2,), "mouth": (3,)}.items():
        for own, difference, region in zip(selected[name], selected[f"{name}_beside_skin"], regions, strict=True):
            assert own == pytest.approx(features[:, region])
            assert difference == pytest.approx(features[:, region] - features[:, 4:].mean(axis=1), abs=1e-5)
    for selector in SELECTORS:
        mirrored = features[:, list(MIRRORED)]
        assert selector.select(mirrored)[::-1] == pytest.approx(selector.select(features), abs=1e-5)


def test_a_mirror_image_has_the_same_scores_with_its_eyes_exchanged(network):
    features = arrays(SplitArrays, 30, 7).features
    mirrored = network.predict_on_batch(features[:, list(MIRRORED)])
    assert np.abs(mirrored[:, [0, 2, 1, 3, 4]] - network.predict_on_batch(features)).max() < 1e-5


def test_unknown_parts_of_a_fake_have_the_mean_of_the_known_ones_as_target():
    from fakefaces.models.forensic.experts import output_targets

    runtime.start(seed=1, threads=2)
    train = arrays(TrainArrays, 100, 0)
    train.replaced[1] = -1
    assert output_targets(train)[1, 1:] == pytest.approx(train.replaced[3::2].mean(axis=0))
    scores = fit_forensic(train, arrays(ValidationArrays, 80, 1)).predict_on_batch(train.features)
    assert np.isfinite(scores).all()


def test_a_detector_of_this_kind_is_saved_loaded_and_the_same_each_time(network, tmp_path):
    metadata = {"kind": "forensic", "extractor": "residuals", "image_size": 64}
    again = load_graph(save_network(network, tmp_path / "one", **metadata) / "network.onnx")
    features = arrays(SplitArrays, 5, 6).features
    assert np.abs(again.map(features, threads=2) - network.predict_on_batch(features)).max() < 1e-6
    second = fit_forensic(arrays(TrainArrays, 300, 0), arrays(ValidationArrays, 80, 1))
    save_network(second, tmp_path / "two", **metadata)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_part_scores_are_painted_on_their_boxes():
    from fakefaces.explain.heatmaps import part_score_heatmaps

    maps = part_score_heatmaps(np.eye(4) * 0.8 + 0.1)
    assert maps.max(axis=(1, 2)) == pytest.approx(1)
    for one, (left, top, right, bottom) in zip(maps, PART_OUTLINES.values(), strict=True):
        row, column = np.unravel_index(one.argmax(), one.shape)
        assert left < (column + 0.5) / len(one) < right
        assert top < (row + 0.5) / len(one) < bottom


def test_an_unknown_part_of_a_fake_has_the_share_of_known_fakes_in_which_it_was_replaced():
    from fakefaces.models.forensic.experts import output_targets

    replaced = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [-1] * 4, [0] * 4, [0] * 4, [-1] * 4], np.int8)
    train = TrainArrays(np.zeros((6, 1)), np.float32([1, 1, 1, 0, 0, 1]), replaced)
    unknown = [1, 1, 0.5, 0, 0]
    expected = [[1, 1, 0, 0, 0], [1, 1, 1, 0, 0], unknown, [0] * 5, [0] * 5, unknown]
    assert output_targets(train).tolist() == expected
    none_known = replace(train, replaced=np.full((6, 4), -1, np.int8))
    assert output_targets(none_known)[:, 1:].tolist() == [[0.5] * 4] * 6


def test_images_of_a_photograph_and_its_copies_are_left_out_together():
    """A copy gives its original away, and an image another one of the same photograph, which says nothing of others."""
    from fakefaces.models.forensic.ensemble import fit_ensemble

    rng = np.random.default_rng(3)
    features = np.repeat(rng.standard_normal((30, 7, 5)).astype(np.float32), 2, axis=0)
    labels = np.repeat(rng.permutation(30) % 2, 2).astype(np.float32)
    replaced = np.repeat(labels[:, None], 4, axis=1).astype(np.int8)
    order = rng.permutation(np.repeat(np.arange(60), 2))
    twice = TrainArrays(
        np.r_[features, features[order]],
        np.r_[labels, labels[order]],
        np.r_[replaced, replaced[order]],
        copy_of=order,
        photographs=np.arange(60) // 2,
    )

    def roc_auc(train: TrainArrays) -> list[float]:
        ensemble = fit_ensemble(Settings(components=20, width=3.0), train, [(0, 5)])
        found = []
        for experts in ensemble.regressions[0]:
            for one, expert in zip(experts, expert_rows(train), strict=True):
                rows = expert.rows[expert.left_out()]
                found.append(roc_auc_score(train.labels[rows], one.left_out.sum(axis=1)))
        return found

    assert max(roc_auc(twice)) < 0.8
    assert max(roc_auc(replace(twice, photographs=np.empty(0, np.intp)))) > 0.95


@pytest.fixture(scope="module")
def without_a_feature():
    """Fitted where a feature is always 0, and a few validation images have inverted labels."""
    runtime.start(seed=1, threads=2)
    train, validation = arrays(TrainArrays, 300, 0), arrays(ValidationArrays, 8, 1)
    for split in (train, validation):
        split.features[..., 3] = 0
    wrong = replace(validation, labels=1 - validation.labels, replaced=1 - validation.replaced)
    return fit_forensic(train, wrong)


def test_a_few_wrong_validation_images_do_not_turn_scores_around(without_a_feature):
    test = arrays(SplitArrays, 100, 2)
    test.features[..., 3] = 0
    outputs = without_a_feature.predict_on_batch(test.features)
    targets = np.column_stack([test.labels, test.replaced])
    for scores, target in zip(outputs.T, targets.T, strict=True):
        assert scores[target == 1].mean() > scores[target == 0].mean() + 0.3


def test_logits_to_calibrate_by_are_of_stacks_that_did_not_learn_from_the_family():
    from fakefaces.models.forensic.stacking import fit_stack, left_out_logits

    rng = np.random.default_rng(5)
    families = np.repeat(np.arange(60), 2)
    replaced = np.repeat(rng.random((60, 4)) < 0.15, 2, axis=0).astype(np.int8)
    labels, outputs = replaced.max(axis=1).astype(np.float32), [(0,), (1, 2), (3,), (4,)]
    answers = np.column_stack([labels, replaced]) + rng.normal(0, 1, (120, 5))
    found = left_out_logits(outputs, answers, labels, replaced, families)
    for part in range(5):
        own = families % 5 == part
        others = fit_stack(outputs, answers[~own], labels[~own], replaced[~own])
        assert np.array_equal(found[own], others.predict(answers[own]))


def test_a_feature_that_is_constant_in_training_has_no_influence(without_a_feature):
    features = arrays(SplitArrays, 20, 3).features
    constant, changed = features.copy(), features.copy()
    constant[..., 3], changed[..., 3] = 0, 5
    found = without_a_feature.predict_on_batch(changed)
    assert found == pytest.approx(without_a_feature.predict_on_batch(constant), abs=1e-4)


def test_large_weights_of_both_signs_do_not_magnify_rounding_errors():
    """The reals' weights come first and are negative, so that a sum grows to a hundred times its last value."""
    import keras

    runtime.start(seed=1, threads=2)
    rng, n_features, n_landmarks = np.random.default_rng(0), 40, 1000
    landmarks, images = (rng.normal(size=(n, n_features)).astype(np.float32) for n in (n_landmarks, 8))
    weights = 3 * np.abs(rng.normal(size=n_landmarks)) * np.where(np.arange(n_landmarks) < n_landmarks / 2, -1, 1)
    gamma = 0.5 / n_features
    distances = ((images[:, None].astype(np.float64) - landmarks.astype(np.float64)) ** 2).sum(axis=-1)
    kernel = np.exp(-gamma * distances)
    zeros, identity = np.zeros(n_features, np.float32), np.eye(n_features, dtype=np.float32)
    projection = Projection(Standardisation(zeros, zeros + 1), zeros, identity)
    of_faces = Kernel(SELECTORS[0], projection, landmarks, gamma)
    regression = KernelRegression(of_faces, weights, intercept=0.3, level=kernel.mean(), left_out=np.empty((0, 1)))
    inputs = keras.Input((n_features,), name="traces")
    graph = Graph(export(keras.Model(inputs, as_layers([regression], [inputs], "family")[0])))
    outputs = np.concatenate([graph(image) for image in images])
    assert outputs == pytest.approx(kernel @ weights + 0.3, abs=5e-5)


def test_with_strangers_the_last_output_tells_them_from_training_images():
    """A stranger has features that occur, in a combination that does not."""
    from fakefaces.models.forensic.unfamiliarity import fit_unfamiliarity

    train, validation = arrays(TrainArrays, 200, 6), arrays(ValidationArrays, 80, 7)

    def strange(features):
        turned = features.copy()
        turned[:, :, :7] = np.abs(turned[:, :, :7])
        turned[:, :, 7:] = -np.abs(turned[:, :, 7:])
        return turned

    alone = fit_forensic(train, validation)
    train = replace(train, strangers=strange(arrays(SplitArrays, 200, 8).features))
    network, test = fit_forensic(train, validation), arrays(SplitArrays, 60, 9).features
    familiar, strangers = network.predict_on_batch(test), network.predict_on_batch(strange(test))
    assert familiar.shape == (60, 6)
    assert np.allclose(familiar[:, :5], alone.predict_on_batch(test), atol=1e-6)
    assert strangers[:, 5].mean() > 0.7 > 0.3 > familiar[:, 5].mean()
    fitted = fit_unfamiliarity(train, GROUP_SIZES)
    assert np.allclose(strangers[:, 5], fitted.predict(strange(test)), atol=1e-4)
    assert np.allclose(familiar[:, 5], fitted.predict(test), atol=1e-4)
    runtime.clear_session()


@pytest.mark.slow
def test_a_combination_of_size_and_features_that_does_not_occur_is_unfamiliar():
    """Familiar images are smooth where their faces are small, and strangers are smooth whatever their size."""
    from fakefaces.models.forensic.unfamiliarity import fit_unfamiliarity, group_bounds

    def images(n: int, seed: int, *, small: bool, smooth: bool) -> np.ndarray:
        rng = np.random.default_rng(seed)
        features = rng.normal(size=(n, 7, 12)).astype(np.float32) + (1 if smooth else -1)
        sizes = np.float32(4 if small else 5) + rng.normal(0, 0.1, (n, 1, 1)).astype(np.float32)
        return np.concatenate([np.tile(sizes, (1, 7, 1)), features], axis=-1)

    familiar = np.concatenate([images(100, 1, small=True, smooth=True), images(100, 2, small=False, smooth=False)])
    labels, replaced = np.arange(200, dtype=np.float32) % 2, np.zeros((200, 4), np.int8)
    strangers = images(200, 3, small=False, smooth=True)
    assert group_bounds(13, GROUP_SIZES) == [(1, 8), (8, 13)]
    train = TrainArrays(familiar, labels, replaced, strangers=strangers)
    network = fit_forensic(train, ValidationArrays(familiar[::2], labels[:100], replaced[:100]))
    fitted = fit_unfamiliarity(train, GROUP_SIZES)
    new = [images(50, 4, small=small, smooth=smooth) for small, smooth in ((True, True), (False, False), (False, True))]
    outputs = [network.predict_on_batch(of_kind) for of_kind in new]
    scaled_down, as_they_are, strange = (of_kind[:, 5].mean() for of_kind in outputs)
    assert max(scaled_down, as_they_are) < 0.2 < 0.8 < strange
    for features, of_kind in zip(new, outputs, strict=True):
        assert np.allclose(of_kind[:, 5], fitted.predict(features), atol=1e-4)
        features[..., 0] += 1
        assert np.allclose(network.predict_on_batch(features)[:, :5], of_kind[:, :5], atol=1e-6)
    runtime.clear_session()


def with_copies(kind: type[A], n: int, seed: int) -> A:
    """Images and a copy of each, whose features lie elsewhere, and in which what tells the fakes has another sign."""
    images = arrays(kind, n, seed)
    copies = 4 - images.features
    if kind is ValidationArrays:
        return replace(images, copies=copies, copy_of=np.arange(n))
    features = np.concatenate([images.features, copies])
    labels, replaced = np.tile(images.labels, 2), np.tile(images.replaced, (2, 1))
    return replace(images, features=features, labels=labels, replaced=replaced, copy_of=np.arange(n))


@pytest.fixture(scope="module")
def two_experts():
    runtime.start(seed=1, threads=2)
    return fit_forensic(with_copies(TrainArrays, 200, 0), with_copies(ValidationArrays, 80, 1))


def test_an_expert_decides_on_originals_and_another_one_on_copies(two_experts):
    test = arrays(SplitArrays, 100, 2)
    originals = two_experts.predict_on_batch(test.features)
    copies = two_experts.predict_on_batch(4 - test.features)
    for scores in (originals, copies):
        assert ((scores[:, 0] > 0.5) == test.labels).mean() > 0.85
        assert ((scores[:, 1:] > 0.5) == test.replaced).mean() > 0.85
    graph = Graph(export(two_experts))
    assert graph.map(test.features, threads=2) == pytest.approx(originals, abs=1e-5)
    alone = fit_forensic(arrays(TrainArrays, 200, 0), arrays(ValidationArrays, 80, 1))
    assert alone.predict_on_batch(test.features)[:, 0] == pytest.approx(originals[:, 0], abs=0.25)
    runtime.clear_session()


def test_the_gate_in_the_network_is_what_was_fitted(two_experts):
    import keras

    from fakefaces.models.forensic.gate import fit_gate

    gate = fit_gate(with_copies(TrainArrays, 200, 0), GROUP_SIZES)
    layer = keras.Model(two_experts.input, two_experts.get_layer("original").output)
    test = arrays(SplitArrays, 100, 2).features
    halfway = (test + (4 - test)) / 2 + 0.1 * test
    for features, least, most in ((test, 0.95, 1), (4 - test, 0, 0.05), (halfway, 0.02, 0.98)):
        expected = gate.predict(features)
        assert least <= expected.mean() <= most
        assert layer.predict_on_batch(features)[:, 0] == pytest.approx(expected, abs=1e-4)


def test_a_gate_learns_from_some_of_many_images_and_reads_no_sizes(monkeypatch, tmp_path):
    from fakefaces.data.stored_rows import JoinedRows, StoredRows
    from fakefaces.models.forensic.gate import fit_gate

    train = with_copies(TrainArrays, 60, 0)
    expected = fit_gate(train, GROUP_SIZES)
    sizes = np.random.default_rng(0).normal(size=(120, 7, 1)).astype(np.float32)
    np.save(tmp_path / "features.npy", np.concatenate([sizes, train.features], axis=-1))
    parts = [StoredRows(tmp_path / "features.npy", np.arange(120)[half]) for half in (slice(60), slice(60, None))]
    sized = fit_gate(replace(train, features=JoinedRows(parts)), GROUP_SIZES)
    assert (expected.first, sized.first) == (0, 1)
    assert sized.weights.tobytes() == expected.weights.tobytes()
    monkeypatch.setattr("fakefaces.models.forensic.gate._MOST", 20)
    of_some = fit_gate(train, GROUP_SIZES)
    evenly = np.unique(np.linspace(0, 59, 20).round().astype(int))
    rows = np.concatenate([evenly, 60 + evenly])
    chosen = TrainArrays(train.features[rows], train.labels[rows], train.replaced[rows], copy_of=np.arange(20))
    assert of_some.weights.tobytes() == fit_gate(chosen, GROUP_SIZES).weights.tobytes()


def test_without_copies_of_validation_images_both_experts_are_calibrated_on_the_images(two_experts):
    train, validation = with_copies(TrainArrays, 200, 0), arrays(ValidationArrays, 80, 1)
    network = fit_forensic(train, validation)
    for name in ("calibration", "calibration_of_copies"):
        one, other = (of.get_layer(name).get_weights()[0] for of in (network, two_experts))
        assert np.array_equal(one, other) == (name == "calibration")
    runtime.clear_session()
