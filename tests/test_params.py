"""params.yaml: its records, and the check of the whole file before the first stage does anything."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from fakefaces.base.errors import ParamsError
from fakefaces.models.kinds import kinds, model_spec
from fakefaces.params.file import Params, load
from fakefaces.preflight.backbones import backbone_names
from fakefaces.preflight.check import check
from fakefaces.preflight.json_schema import json_schema
from tests.conftest import ROOT

FAULTY_NAMES = ("", "m" * 257, " m", "m ", "m\n", "a\tb", "a\x1b[31m", "a'b", "..", "a/b", "a:b", "a@b")
Change = Callable[[dict[str, Any]], object]


def changed(tmp_path: Path, change: Change) -> Path:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    change(params)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    return path


def faults(tmp_path: Path, change: Change) -> list[str]:
    with pytest.raises(ParamsError) as error:
        check(changed(tmp_path, change))
    return str(error.value).splitlines()


def model(name: str, **values: object) -> Change:
    return lambda params: params["train"]["models"][name].update(values)


def named(params: dict[str, Any], name: str) -> None:
    params["train"]["models"][name] = params["train"]["models"]["simple_cnn"]


def space(**ranges: object) -> Change:
    return lambda params: params["tune"].update(space={key.replace("__", "."): value for key, value in ranges.items()})


def features(name: str, **values: object) -> Change:
    return lambda params: params["prepare"]["features"][name].update(values)


def test_the_committed_file_is_valid_and_its_records_are_frozen():
    assert check(ROOT / "params.yaml").startswith("params.yaml: ok")
    params = load(ROOT / "params.yaml")
    assert {"simple_cnn", "vgg16", "efficientnetb4", "custom_cnn", "custom_cnn_augmented"} < set(params.train.models)
    with pytest.raises(ValueError, match="frozen"):
        params.seed = 1


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("params.yaml")))
def test_the_files_in_the_documentation_are_valid(path):
    check(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # keys and values
        (
            lambda p: p["split"].update(tets_size=0.1),
            "unknown key 'split.tets_size'; allowed here: n_splits, protocol, test_size, validation_size",
        ),
        (
            model("vgg16", featurse="pixels"),
            "unknown key 'train.models.vgg16.featurse'; allowed here: augment, features, fit, kind, seeds, settings",
        ),
        (
            lambda p: p["validate"].update(max_sied=3),
            "unknown key 'validate.max_sied'; allowed here: formats, max_bytes, max_side, min_class_share",
        ),
        (lambda p: p["validate"].update(min_side=20_001), "min_side (20001) is greater than max_side (20000)"),
        (lambda p: p["promote"].update(name="team/model"), "'promote.name'"),
        *((lambda p, name=name: p["promote"].update(name=name), "'promote.name'") for name in FAULTY_NAMES),
        (lambda p: named(p, "m" * 65), "at most 64 characters"),
        (lambda p: named(p, "caf\u00e9"), "match pattern"),
        (lambda p: named(p, "m\n"), "match pattern"),
        (lambda p: named(p, "champion"), "'train.models.champion': this name is an alias"),
        (lambda p: named(p, "label"), "'train.models.label': this name is a column"),
        (lambda p: named(p, "rule_header"), "'train.models.rule_header': this name begins as the columns 'rule_...'"),
        (lambda p: named(p, "attribute_age"), "this name begins as the columns 'attribute_...'"),
        (lambda p: p["prepare"]["features"].update({"f" * 65: {"image_size": 32}}), "at most 64 characters"),
        (lambda p: p["train"].update(models={}), "'train.models'"),
        # kinds and their settings
        (
            model("custom_cnn", kind="custom_cn"),
            "'train.models.custom_cnn.kind': no kind 'custom_cn'; known: custom_cnn, forensic, pretrained, simple_cnn",
        ),
        (
            model("custom_cnn", settings={"widht": 2}),
            "unknown key 'train.models.custom_cnn.settings.widht'; allowed here: depth, dropout, first_kernel",
        ),
        (model("vgg16", settings={"dropout": 1}), "'train.models.vgg16.settings.dropout': input should be less than 1"),
        (
            model("vgg16", fit={"epoch": 3}),
            "unknown key 'train.models.vgg16.fit.epoch'; allowed here: batch_size, epochs, learning_rate, monitor",
        ),
        (model("vgg16", fit={"patience": 0}), "'train.models.vgg16.fit.patience'"),
        # what refers to another section
        (
            model("vgg16", features="vgg"),
            "'train.models.vgg16.features': no feature set 'vgg'; known: pixels, vgg16, efficientnetb4, residuals",
        ),
        (lambda p: p["tune"].update(features="pixles"), "'tune.features': no feature set 'pixles'"),
        (
            model("custom_cnn", features="vgg16"),
            "the kind 'custom_cnn' reads pixels, but the feature set 'vgg16' holds backbone features; "
            "sets that fit: pixels",
        ),
        (model("forensic", features="pixels"), "reads residual features, but the feature set 'pixels' holds pixels"),
        (
            model("vgg16", augment="standard"),
            "'train.models.vgg16.augment': standard changes pixels, but the feature set 'vgg16' holds backbone",
        ),
        (model("vgg16", seeds=0), "'train.models.vgg16.seeds': input should be greater than or equal to 1"),
        (model("forensic", seeds=3), "'train.models.forensic.seeds': the kind 'forensic' is fitted in closed form"),
        (model("forensic", augment="standard"), "'train.models.forensic.augment': standard changes pixels"),
        (model("simple_cnn", tuned="best"), "best is of the kind 'custom_cnn' (tune.kind), not of 'simple_cnn'"),
        (model("custom_cnn", tuned="best"), "the study tunes the strength of 'standard' (tune.augment), not of 'none'"),
        # feature sets
        (features("vgg16", backbone="VGG17"), "'prepare.features.vgg16.backbone': no backbone 'VGG17'"),
        (features("residuals", trainable_from="block_1"), "stays frozen; leave trainable_from out"),
        (features("pixels", trainable_from="block_1"), "there is none; give backbone"),
        (features("pixels", copies=1), "copies are for extractor: residuals"),
        (features("pixels", strangers=1), "strangers are for extractor: residuals"),
        # transforms
        (
            lambda p: p["augment"]["transforms"].append({"name": "HorizontalFlop"}),
            "albumentations has no transform 'HorizontalFlop'",
        ),
        (
            lambda p: p["augment"]["transforms"].append({"name": "Normalize"}),
            "augment.transforms: Normalize: it turns uint8 48 x 48 x 3 into float32 48 x 48 x 3",
        ),
        (
            lambda p: p["augment"]["transforms"].append({"name": "ToFloat"}),
            "augment.transforms: ToFloat: it turns uint8 48 x 48 x 3 into float32",
        ),
        (
            lambda p: p["augment"]["transforms"].append(
                {"name": "RandomCrop", "arguments": {"height": 20, "width": 30, "p": 0.01}}
            ),
            "augment.transforms: RandomCrop: it turns uint8 48 x 48 x 3 into uint8 20 x 30 x 3",
        ),
        (
            lambda p: p["augment"]["transforms"].append({"name": "ToGray", "arguments": {"num_output_channels": 1}}),
            "augment.transforms: ToGray: it turns uint8 48 x 48 x 3 into uint8 48 x 48;",
        ),
        (
            lambda p: p["augment"]["transforms"].append({"name": "Crop", "arguments": {"x_max": 400, "y_max": 300}}),
            "augment.transforms: Crop: it fails on an image of 48 x 48 pixels",
        ),
        (
            lambda p: p["augment"]["transforms"].append(
                {"name": "CropNonEmptyMaskIfExists", "arguments": {"height": 9, "width": 9}}
            ),
            "augment.transforms: CropNonEmptyMaskIfExists: it fails on an image",
        ),
        (
            lambda p: p["augment"]["transforms"].append({"name": "Affine", "arguments": {"rotation": 3}}),
            "Affine: Argument(s) 'rotation' are not valid",
        ),
        # the search space
        (space(settings__widht={"choices": [1]}), "unknown key 'tune.space.settings.widht'; allowed here: depth"),
        (space(fit__rate={"low": 0.1, "high": 0.2}), "unknown key 'tune.space.fit.rate'; allowed here: batch_size"),
        (space(fit__epochs={"choices": [1]}), "'tune.space.fit.epochs': each trial takes tune.epochs for it"),
        (space(optimizer__name={"choices": ["adam"]}), "'tune.space.optimizer.name'"),
        (
            space(settings__depth={"choices": [3, 30]}),
            "'tune.space.settings.depth': input should be less than or equal",
        ),
        (space(settings__dropout={"low": 0.1, "high": 1.0}), "'tune.space.settings.dropout': input should be less"),
        (space(settings__units={"low": 8, "high": 64}), "'tune.space.settings.units': takes whole numbers"),
        (space(settings__l2={"low": 0.1, "high": 0.1}), "low (0.1) must be less than high (0.1)"),
        (space(settings__l2={"low": 0, "high": 0.1, "log": True}), "log: true needs low > 0"),
        (space(settings__l2={"low": 0}), "give either 'choices' or both 'low' and 'high'"),
        (space(settings__l2={"low": 0, "high": 1, "choices": [1]}), "give either 'choices' or both"),
        (
            space(augment__strength={"low": 0, "high": 2}),
            "'tune.space.augment.strength': input should be less than or equal to 1",
        ),
        (lambda p: p["tune"].update(augment="none"), "'tune.augment': none has no strength to tune"),
        (lambda p: p["tune"].update(kind="resnet"), "'tune.kind': no kind 'resnet'"),
        (lambda p: p["tune"].update(pruner="percentile"), "'tune.pruner'"),
    ],
)
def test_a_fault_is_told_with_its_key(tmp_path, change, message):
    found = faults(tmp_path, change)
    assert any(message in line for line in found), found
    assert all(line.startswith("params.yaml: ") for line in found)


def test_all_faults_are_told_at_once(tmp_path):
    def change(params):
        del params["promote"]
        params["tune"]["trials"] = "many"
        params["train"]["models"]["vgg16"]["features"] = "vgg"
        params["train"]["models"]["custom_cnn"]["settings"] = {"widht": 2}
        params["augment"]["transforms"][0]["name"] = "Flop"

    found = "\n".join(faults(tmp_path, change))
    for key in ("'promote' is missing", "tune.trials", "no feature set 'vgg'", "settings.widht", "transform 'Flop'"):
        assert key in found


def test_old_keys_are_named_with_the_new_ones(tmp_path):
    def change(params):
        params["sources"] = params.pop("duplicates")
        params["distort"] = params.pop("corrupt")
        params["evaluate"]["draws"] = params["evaluate"].pop("n_resamples")
        views = params["prepare"]["views"] = params["prepare"].pop("features")
        views["residuals"]["reads"] = views["residuals"].pop("extractor").replace("residuals", "forensic")
        for section in (params["tune"], *params["train"]["models"].values()):
            section["view"] = section.pop("features")

    found = faults(tmp_path, change)
    models = load(ROOT / "params.yaml").train.models
    assert found == [
        "params.yaml: 'sources' is now 'duplicates'",
        "params.yaml: 'distort' is now 'corrupt'",
        "params.yaml: 'evaluate.draws' is now 'evaluate.n_resamples'",
        "params.yaml: 'prepare.views' is now 'prepare.features'",
        "params.yaml: 'prepare.features.residuals.reads: forensic' is now "
        "'prepare.features.residuals.extractor: residuals'",
        "params.yaml: 'tune.view' is now 'tune.features'",
        *(f"params.yaml: 'train.models.{name}.view' is now 'train.models.{name}.features'" for name in models),
    ]


@pytest.mark.parametrize("text", ["seed: [", "- a\n- b", "", "\x00"])
def test_a_broken_file_is_one_message(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=r"params\.yaml"):
        check(path)
    with pytest.raises(ParamsError, match="cannot be read"):
        check(tmp_path / "absent.yaml")


@pytest.mark.parametrize("value", [None, 3, [], {}, "text"])
@pytest.mark.parametrize("section", [name for name, field in Params.model_fields.items() if name != "seed"])
def test_a_section_of_another_shape_is_a_fault_and_no_traceback(tmp_path, section, value):
    key = section.rstrip("_")
    found = faults(tmp_path, lambda p: p.update({key: "none" if key in ("threads", "jobs") and value == 3 else value}))
    assert any(key in line for line in found)


def test_kinds_are_the_files_of_their_folder():
    assert {"simple_cnn", "custom_cnn", "pretrained"} <= set(kinds())
    with pytest.raises(ParamsError, match="no kind 'resnet'; known: custom_cnn"):
        model_spec("resnet", {}, "here")
    with pytest.raises(
        ParamsError, match="'droput'; allowed here: depth, dropout, first_kernel, kernel, l2, momentum, units, width"
    ):
        model_spec("custom_cnn", {"droput": 0.1}, "here")


def test_backbones_are_those_of_keras():
    keras = pytest.importorskip("keras")
    assert set(backbone_names()) == {name for name in dir(keras.applications) if name[0].isupper()}


def test_what_is_no_file_and_what_never_ends_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", Path("/dev/zero")):
        with pytest.raises(ParamsError, match="it is not a regular file"):
            check(path)
    with (tmp_path / "sparse.yaml").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ParamsError, match="more than 16,777,216 bytes"):
        check(tmp_path / "sparse.yaml")


def test_the_check_starts_without_heavy_libraries():
    code = (
        "import sys; from pathlib import Path; from fakefaces.preflight.check import check\n"
        "check(Path('params.yaml')); print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"tensorflow", "keras", "torch", "mlflow", "great_expectations", "optuna", "dvc", "pandas", "sklearn"}
    assert not heavy & set(done.stdout.split())


def test_the_check_takes_less_than_a_second_of_processor_time():
    check(ROOT / "params.yaml")  # imports done
    start = time.process_time()
    check(ROOT / "params.yaml")
    assert time.process_time() - start < 0.5


def test_the_json_schema_is_current_and_takes_the_committed_file():
    text = (ROOT / "params.schema.json").read_text()
    assert json.loads(text) == json_schema(), "make it anew: fakefaces check --schema > params.schema.json"
    assert (ROOT / "params.yaml").read_text().startswith("# yaml-language-server: $schema=params.schema.json\n")
    validator = jsonschema.Draft202012Validator(json.loads(text))
    validator.check_schema(json.loads(text))
    assert not list(validator.iter_errors(yaml.safe_load((ROOT / "params.yaml").read_text())))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(sed=1),
        model("custom_cnn", kind="custom_cn"),
        model("custom_cnn", settings={"widht": 2}),
        model("custom_cnn", settings={"dropout": 2}),
        model("custom_cnn", fit={"epoch": 2}),
        features("vgg16", backbone="VGG17"),
        space(settings__widht={"choices": [1]}),
        space(settings__filters={"choices": [1]}),  # of another kind
    ],
)
def test_the_json_schema_refuses_what_an_editor_should_mark(tmp_path, change):
    params = yaml.safe_load(changed(tmp_path, change).read_text())
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(params))
