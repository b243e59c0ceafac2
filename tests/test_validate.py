import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fakefaces.base.errors import DataError
from fakefaces.base.paths import Layout
from fakefaces.data import images
from fakefaces.data.splits import CvSplit, read_split
from fakefaces.params.file import load
from fakefaces.validation.facts import image_facts
from pipelines import split, validate
from tests.conftest import picture

FACES = "a face is found in every photograph"
SHORTCUTS = "no rule that sees only the file or the framing separates fakes from reals better than chance"


@pytest.fixture
def run(workspace):
    """Split and validate the workspace, where no two images share a photograph; returns its layout."""

    def run(protocol: str = "grouped", leak: bool = False, **rules) -> Layout:
        layout, params = Layout(workspace), load(workspace / "params.yaml")
        changed = {
            "validate_": params.validate_.model_copy(update=rules),
            "split": params.split.model_copy(update={"protocol": protocol}),
        }
        params = params.model_copy(update=changed)
        layout.duplicate_pairs.parent.mkdir(exist_ok=True)
        layout.duplicate_pairs.write_text("a,b\n")
        split.main(params, layout)
        if leak:
            table = read_split(layout.split)
            rows = [table.index[table["split"] == name][0] for name in ("train", "test")]
            table.loc[rows, "group"] = "one photograph"
            table.to_csv(layout.split, index=False)
        validate.main(params, layout)
        return layout

    return run


def summary(layout: Layout) -> dict[str, dict]:
    record = json.loads((layout.reports / "validation.json").read_text())
    return {result["meaning"]: result for result in record["expectations"]}


def test_a_valid_set_passes_and_its_facts_are_written(run):
    layout = run()
    table = read_split(layout.images)
    assert len(table) == 80
    assert (table["format"] == "JPEG").all()
    assert (table["width"] == 64).all()
    assert table["sha256"].str.len().eq(64).all()
    failed = [meaning for meaning, result in summary(layout).items() if not result["success"]]
    assert failed == [FACES, SHORTCUTS]  # the photographs of the tests are noise, and the fakes are brighter
    pages = list((layout.reports / "data_docs").rglob("*.html"))
    assert len(pages) == 7  # the index, and for each of three suites its results and its expectations
    assert not any("://" in page.read_text() for page in pages)


def test_the_summary_repeats_to_the_byte(run):
    first = (run().reports / "validation.json").read_bytes()
    assert (run().reports / "validation.json").read_bytes() == first


@pytest.mark.parametrize("content", [b"", b"no image", None])
def test_a_file_that_does_not_decode_stops_the_pipeline_and_is_named(run, workspace, content, capfd):
    broken = workspace / "data" / "training_fake" / "mid_99_0011.jpg"
    if content is None:
        whole = next((workspace / "data" / "training_real").iterdir()).read_bytes()
        content = whole[: len(whole) // 2]
    broken.write_bytes(content)
    with pytest.raises(DataError, match="mid_99_0011.jpg"):
        run()
    assert "unreadable: data/training_fake/mid_99_0011.jpg" in capfd.readouterr().err
    assert not (workspace / "outputs" / "images.csv").exists()
    assert not (workspace / "reports" / "validation.json").exists()


@pytest.mark.parametrize("content", [b"no image", b""])
def test_a_setting_lets_unreadable_files_be_left_out(run, workspace, content):
    names = [f"training_fake/mid_{k}_0011.jpg" for k in (97, 98, 99)]
    for name in names:
        (workspace / "data" / name).write_bytes(content)
    layout = run(min_readable_share=0.9)
    assert len(read_split(layout.images)) == 80
    assert summary(layout)["every file decodes completely"]["examples"] == names


def test_texts_beside_photographs_are_named_and_no_photographs(run, workspace, capfd):
    (workspace / "data" / "training_fake" / "README.txt").write_text("about these")
    layout = run()
    assert len(read_split(layout.images)) == 80
    assert "no photographs, left out: data/training_fake/README.txt" in capfd.readouterr().err


def test_a_photograph_in_two_splits_is_critical(run, workspace):
    reals = sorted((workspace / "data" / "training_real").iterdir())
    for copy in reals[1:30]:
        copy.write_bytes(reals[0].read_bytes())
    with pytest.raises(DataError, match="no file is in two splits"):
        run("reference")  # grouped keeps copies together


def test_a_separated_group_is_critical_and_named(run):
    with pytest.raises(DataError, match="no group of images of one photograph is in two splits: violated by 2: train"):
        run(leak=True)


def test_the_reference_protocol_may_separate_groups_under_a_warning(run, capfd):
    layout = run("reference", leak=True)
    separated = summary(layout)["no group of images of one photograph is in two splits"]
    assert (separated["success"], separated["severity"], separated["unexpected"]) == (False, "warning", 2)
    assert "WARNING no group of images of one photograph is in two splits: violated by 2" in capfd.readouterr().err


def test_a_group_in_two_folds_is_critical(run):
    with pytest.raises(DataError, match="no group of images of one photograph is in two splits"):
        run("folds", leak=True)


def test_a_shortcut_rule_that_beats_chance_is_a_warning_with_its_metric(run, capfd):
    layout = run()
    results = json.loads((layout.reports / "validation.json").read_text())["shortcuts"]
    assert [result["rule"] for result in results] == ["header", "thumbnail", "colour", "exif"]
    colour, exif = results[2:]
    assert colour["beats_chance"] and colour["roc_auc"] > 0.9
    assert (exif["beats_chance"], exif["roc_auc"], exif["interval"]) == (False, 0.5, None)
    line = next(line for line in capfd.readouterr().err.splitlines() if SHORTCUTS in line)
    assert line.startswith("WARNING")
    assert f"colour: ROC AUC {colour['roc_auc']:.2f}" in line
    assert "exif" not in line


def test_each_file_is_decoded_once_and_has_its_own_appearance(workspace, monkeypatch):
    names = ["whole.png", "broken.jpg", "grey.png"]
    pixels = np.random.default_rng(3).integers(0, 256, (48, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(workspace / "whole.png")
    Image.fromarray(np.repeat(np.uint8([[48], [54]]), 10, axis=0).repeat(20, axis=1)).save(workspace / "grey.png")
    (workspace / "broken.jpg").write_bytes(b"no image")
    decoded, decode = [], images.decoded
    monkeypatch.setattr(images, "decoded", lambda data, name: decoded.append(data) or decode(data, name))
    table, appearance = image_facts(workspace, names, threads=2)
    thumbnail, colours = appearance[:, :256], appearance[:, 256:]
    assert sorted(decoded) == sorted((workspace / name).read_bytes() for name in ("grey.png", "whole.png"))
    assert list(table["image"]) == names
    assert list(table["readable"]) == [True, False, True]
    weights = np.array([0.299, 0.587, 0.114])
    areas = (pixels @ weights).reshape(16, 3, 16, 2).mean(axis=(1, 3)).ravel() / 255
    assert np.allclose(thumbnail[0], areas, atol=1 / 255)
    colour = np.concatenate([pixels.mean(axis=(0, 1)), pixels.std(axis=(0, 1))]) / 255
    assert np.allclose(colours[0], colour, atol=1e-6)
    assert np.isnan(appearance).all(axis=1).tolist() == [False, True, False]
    assert np.allclose(thumbnail[2].mean(), 0.2) and np.allclose(colours[2], [0.2] * 3 + [3 / 255] * 3)
    assert not np.isnan(appearance[table["readable"].to_numpy(dtype=bool)]).any()


@pytest.mark.parametrize(
    ("mode", "format", "options", "wanted"),
    [
        ("RGB", "JPEG", {"subsampling": "4:4:4"}, "4:4:4"),
        ("RGB", "JPEG", {"subsampling": "4:2:2"}, "4:2:2"),
        ("RGB", "JPEG", {"subsampling": "4:2:0"}, "4:2:0"),
        ("L", "JPEG", {}, ""),
        ("CMYK", "JPEG", {}, ""),
        ("RGB", "PNG", {}, ""),
    ],
)
def test_the_facts_hold_the_chroma_subsampling(workspace, mode, format, options, wanted):
    Image.new(mode, (16, 16)).save(workspace / "one", format, **options)
    table, _ = image_facts(workspace, ["one"], threads=1)
    assert list(table["subsampling"]) == [wanted]


def test_a_header_that_lists_fewer_components_than_it_claims_is_no_crash(workspace):
    Image.new("RGB", (16, 16)).save(workspace / "whole.jpg")
    data = (workspace / "whole.jpg").read_bytes()
    start = data.index(b"\xff\xc0")  # the frame: length, depth, height, width, 3, and three bytes a component
    cut = data[: start + 2] + b"\x00\x08" + data[start + 4 : start + 10] + data[start + 19 :]
    (workspace / "cut.jpg").write_bytes(cut)
    table, _ = image_facts(workspace, ["cut.jpg"], threads=1)
    assert not table["readable"].any()


def test_a_photograph_with_both_labels_is_critical(run, workspace):
    real = next((workspace / "data" / "training_real").iterdir())
    (workspace / "data" / "training_fake" / "mid_1_1000.jpg").write_bytes(real.read_bytes())
    with pytest.raises(DataError, match="labelled both real and fake.*mid_1_1000"):
        run()


@pytest.mark.parametrize(
    ("rules", "meaning"),
    [
        ({"formats": ["PNG"]}, "formats are PNG"),
        ({"min_side": 65}, "widths are between 65"),
        ({"max_bytes": 100}, "at most 100 bytes"),
        ({"min_class_share": 0.51}, "51% of each split"),
    ],
)
def test_each_rule_can_fail(run, rules, meaning):
    with pytest.raises(DataError, match=meaning):
        run(**rules)


def test_unusual_images_are_warnings(run, workspace, capfd):
    folder = workspace / "data" / "training_fake"
    picture(np.random.default_rng(8), True).convert("L").save(folder / "holiday.jpg")
    exif = Image.Exif()
    exif[0x0131], exif[0x0112] = "Adobe Photoshop", 3
    picture(np.random.default_rng(9), True).save(folder / "mid_98_0100.jpg", exif=exif)
    results = summary(run())
    warned = capfd.readouterr().err
    assert results["images are stored as RGB"]["examples"] == ["training_fake/holiday.jpg"]
    for meaning, name in (
        ("no EXIF Software tag names an editor", "mid_98_0100"),
        ("images are stored upright", "mid_98_0100"),
        ("fakes are named by the convention", "holiday"),
    ):
        line = next(line for line in warned.splitlines() if meaning in line)
        assert name in line
        assert line.startswith("WARNING")


def test_a_rule_is_fitted_on_the_training_images_and_scores_the_others():
    table = pd.DataFrame({"image": list("abcdefgh"), "label": [0, 0, 0, 1, 1, 1, 1, 1]})
    split = pd.Series(["train"] * 4 + ["validation"] * 2 + ["test"] * 2)
    features = {"header": np.ones((8, 2)), "colour": np.ones((8, 1))}
    scores = validate.shortcut_scores(CvSplit(0, 1, table.assign(split=split)), features, seed=1)
    assert list(scores.columns) == ["rule", "image", "split", "p_fake"]
    assert list(scores["rule"]) == ["header"] * 4 + ["colour"] * 4
    assert list(scores["image"]) == list("efgh") * 2
    assert list(scores["split"]) == ["validation", "validation", "test", "test"] * 2
    assert set(scores["p_fake"]) == {0.25}  # constant features: the share of fakes among the training images


def test_scores_of_a_rule_are_those_of_their_images():
    table = pd.DataFrame({"image": [f"{k:02d}" for k in range(60)], "label": np.arange(60) % 2})
    split = pd.Series(np.where(np.arange(60) % 3 == 0, "test", "train"))
    features = {"header": table["label"].to_numpy(dtype=float)[:, None]}
    p_fake = validate.shortcut_scores(CvSplit(0, 1, table.assign(split=split)), features, seed=1).set_index("image")[
        "p_fake"
    ]
    label = table.set_index("image")["label"]
    assert (p_fake[label[p_fake.index] == 1] > 0.8).all() and (p_fake[label[p_fake.index] == 0] < 0.2).all()


def test_with_folds_each_image_is_tested_once_by_each_rule(run):
    layout = run("folds")
    images = read_split(layout.images)
    scores = pd.read_csv(layout.shortcuts)
    tested = scores[scores["split"] == "test"]
    for rule in ("header", "thumbnail", "colour", "exif"):
        assert sorted(tested.loc[tested["rule"] == rule, "image"]) == sorted(images["image"])
    validates = scores[(scores["split"] == "validation") & (scores["rule"] == "header")]
    assert sorted(validates["image"]) == sorted(images.loc[images["validates"] == 1, "image"])


def test_facts_do_not_depend_on_the_split(run):
    layout = run()
    first = layout.facts.read_bytes()
    facts = pd.read_csv(layout.facts)
    assert list(facts["image"]) == list(read_split(layout.images)["image"])
    assert {"width", "sha256"} < set(facts.columns)
    assert not {"split", "group", "fold", "label", "validates"} & set(facts.columns)
    run("folds")
    assert layout.facts.read_bytes() == first


def test_the_audit_gets_the_groups_the_resamples_and_the_seed(run, monkeypatch):
    arguments, audit = {}, validate.audit

    def recorded(features, labels, groups, **sampling):
        arguments.update(sampling, labels=list(labels), groups=list(groups))
        return audit(features, labels, groups, **sampling)

    monkeypatch.setattr(validate, "audit", recorded)
    layout = run("reference", leak=True)
    params, images = load(layout.root / "params.yaml"), read_split(layout.images)
    assert (arguments["n_resamples"], arguments["seed"]) == (params.evaluate.n_resamples, params.seed)
    assert arguments["labels"] == list(images["label"])
    assert arguments["groups"] == list(images["group"])
    assert arguments["groups"].count("one photograph") == 2
