"""The outputs of a run, read from files."""

from pathlib import Path

import numpy as np

from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.evaluation.model_metrics import Evaluation
from fakefaces.params.file import Params, load
from fakefaces.reporting.html.run_outputs import RunOutputs
from tests.conftest import ROOT
from tests.metrics import localization_metrics, model_metrics


def params_with(*names: str) -> Params:
    """The project's parameters with other models, on one thread."""
    params = load(ROOT / "params.yaml")
    model = params.train.models["custom_cnn"]
    return params.model_copy(
        update={"train": params.train.model_copy(update={"models": dict.fromkeys(names, model)}), "threads": 1}
    )


def test_the_best_model_is_the_best_on_validation_and_no_rule(tmp_path: Path):
    layout = Layout(tmp_path)
    values = {"a": (0.7, 0.9), "b": (0.8, 0.6), "other": (1.0, 1.0)}
    for name, (validation, test) in values.items():
        layout.metrics(name).parent.mkdir(parents=True, exist_ok=True)
        model_metrics(validation, test).write(layout.metrics(name))
    evaluation = model_metrics(0.99, 0.99)
    rule = Evaluation.model_validate({name: getattr(evaluation, name) for name in Evaluation.model_fields})
    rule.write(layout.metrics("rule_exif"))
    run = RunOutputs(params_with("a", "b"), layout)
    assert run.best == "b"
    assert list(run.metrics) == ["a", "b"]
    assert list(run.rules) == ["exif"]
    assert list(run.results["model"]) == ["a", "b", "rule_exif"]
    assert list(run.results["roc_auc"]) == [0.9, 0.6, 0.99]


def test_each_fake_has_its_own_mask_and_each_model_its_own_heatmaps(tmp_path: Path):
    layout = Layout(tmp_path)
    layout.heatmaps.mkdir(parents=True)
    images = "image,truth\na.jpg,\nb.jpg,mask\nc.jpg,\nd.jpg,boxes\n"
    (layout.heatmaps / "images.csv").write_text(images)
    masks = np.zeros((2, 64, 64), bool)
    masks[0, 3, 5] = masks[1, 60, 1] = True
    np.save(layout.heatmaps / "masks.npy", np.packbits(masks, axis=-1))
    for name, value in (("a", 1), ("b", 2), ("gone", 3)):
        np.save(layout.heatmaps / f"{name}.npy", np.full((4, 2, 2), value, np.uint8))
    localization = {name: localization_metrics(value) for name, value in (("gone", 0.3), ("b", 0.7), ("a", 0.6))}
    records = {name: metrics.model_dump(mode="json") for name, metrics in localization.items()}
    write_json(layout.explanations, records)
    run = RunOutputs(params_with("a", "b", "without"), layout)
    assert {name: (origin, np.argwhere(mask).tolist()) for name, (origin, mask) in run.truth.items()} == {
        "b.jpg": ("mask", [[3, 5]]),
        "d.jpg": ("boxes", [[60, 1]]),
    }
    assert {name: set(maps.ravel()) for name, maps in run.heatmaps.items()} == {"a": {1}, "b": {2}}
    pointing = {name: metrics.model.pointing.value for name, metrics in run.localization.items()}
    assert list(pointing.items()) == [("a", 0.6), ("b", 0.7)]
    assert run.trials == []
    assert run.history("a").empty
