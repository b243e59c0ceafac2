import re

from fakefaces.base.paths import Layout
from tests.conftest import ROOT


def test_each_fold_has_a_folder_of_its_own_and_a_single_split_has_the_models(tmp_path):
    layout = Layout(tmp_path)
    assert layout.detector("m", 0, 1) == layout.model("m") == tmp_path / "outputs" / "models" / "m"
    assert [layout.detector("m", k, 3) for k in range(3)] == [layout.model("m") / f"fold{k}" for k in range(3)]


def test_each_further_seed_has_a_folder_of_its_own_and_the_first_has_the_models(tmp_path):
    layout = Layout(tmp_path)
    assert [layout.detector("m", 0, 1, seed).name for seed in range(3)] == ["m", "seed1", "seed2"]
    assert [layout.detector("m", 1, 2, seed).name for seed in range(2)] == ["fold1", "seed1-fold1"]


def test_dvc_yaml_declares_every_path(tmp_path):
    layout = Layout(tmp_path)
    declared = set(re.findall(r"(?:outputs|reports)/[\w./]*\w", (ROOT / "dvc.yaml").read_text()))
    paths = [path for name, path in vars(layout).items() if name not in ("root", "data", "reports", "promotion")]
    paths += [
        layout.scores("m").parent,
        layout.corrupted_scores("m").parent,
        layout.metrics("m").parent,
        layout.model("m").parent,
    ]
    paths += [layout.tuned("best"), layout.tuned("none"), layout.recipe("none"), layout.recipe("standard")]
    assert len(set(paths)) == len(paths)
    assert {layout.relative(path) for path in paths} <= declared
    assert layout.relative(layout.history("m").parent) == "reports/history"
    assert layout.relative(layout.features("v").parent) == "outputs/features"
