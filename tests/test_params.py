from pathlib import Path

import pytest
import yaml

from fakefaces.base.errors import ParamsError
from fakefaces.models.kinds import blueprint, kinds
from fakefaces.params.file import load
from tests.conftest import ROOT


def changed(tmp_path: Path, change) -> Path:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    change(params)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    return path


def test_the_committed_file_is_read_and_frozen():
    params = load(ROOT / "params.yaml")
    assert {"simple_cnn", "vgg16", "efficientnetb4", "custom_cnn", "custom_cnn_augmented"} < set(params.train.models)
    with pytest.raises(ValueError, match="frozen"):
        params.seed = 1


def test_every_model_of_the_committed_file_has_settings_that_its_kind_takes():
    for name, model in load(ROOT / "params.yaml").train.models.items():
        blueprint(model.kind, model.settings, name)


def test_an_unknown_key_is_named_with_the_allowed_ones(tmp_path):
    path = changed(tmp_path, lambda p: p["split"].update(tets_size=0.1))
    with pytest.raises(
        ParamsError, match=r"'split\.tets_size'; allowed here: n_splits, protocol, test_size, validation_size"
    ):
        load(path)


def test_an_unknown_key_deep_down_is_named_too(tmp_path):
    path = changed(tmp_path, lambda p: p["train"]["models"]["vgg16"].update(featurse="pixels"))
    with pytest.raises(ParamsError, match=r"vgg16\.featurse'; allowed here: augment, features, fit, kind"):
        load(path)


def test_a_missing_section_and_a_wrong_type_are_both_told(tmp_path):
    path = changed(tmp_path, lambda p: (p.pop("promote"), p["tune"].update(trials="many")))
    with pytest.raises(ParamsError, match="promote") as error:
        load(path)
    assert "tune.trials" in str(error.value)


def test_a_name_that_leads_nowhere_is_refused(tmp_path):
    path = changed(tmp_path, lambda p: p["train"]["models"]["vgg16"].update(features="pixles"))
    with pytest.raises(ParamsError, match="no feature set 'pixles'; known: pixels, vgg16, efficientnetb4"):
        load(path)


@pytest.mark.parametrize("text", ["seed: [", "- a\n- b", "", "\x00"])
def test_a_broken_file_is_one_message(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match="params.yaml"):
        load(path)
    with pytest.raises(ParamsError, match="cannot be read"):
        load(tmp_path / "absent.yaml")


def test_kinds_are_the_files_of_their_folder():
    assert {"simple_cnn", "custom_cnn", "pretrained"} <= set(kinds())
    with pytest.raises(ParamsError, match="no kind 'resnet'; known: custom_cnn"):
        blueprint("resnet", {}, "here")
    with pytest.raises(
        ParamsError, match="'droput'; allowed here: depth, dropout, first_kernel, kernel, l2, momentum, units, width"
    ):
        blueprint("custom_cnn", {"droput": 0.1}, "here")
