import json

import pytest
from PIL import Image

from fakefaces.base.errors import DataError
from fakefaces.base.layout import Layout
from fakefaces.base.params import load
from fakefaces.data.splits import read_split
from pipelines import split, validate


@pytest.fixture
def run(workspace):
    """Split and validate the workspace; returns its layout."""

    def run(**rules) -> Layout:
        layout, params = Layout(workspace), load(workspace / "params.yaml")
        changed = params.validate_.model_copy(update=rules)
        params = params.model_copy(update={"validate_": changed})
        split.main(params, layout)
        validate.main(params, layout)
        return layout

    return run


def summary(layout: Layout) -> dict[str, dict]:
    found = json.loads((layout.reports / "validation.json").read_text())
    return {result["meaning"]: result for result in found["expectations"]}


def test_a_sound_set_passes_and_its_facts_are_written(run):
    layout = run()
    table = read_split(layout.images)
    assert len(table) == 80
    assert (table["format"] == "JPEG").all()
    assert (table["width"] == 64).all()
    assert table["sha256"].str.len().eq(64).all()
    assert all(result["success"] for result in summary(layout).values())
    assert (layout.reports / "data_docs" / "index.html").is_file()


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


def test_a_setting_lets_unreadable_files_be_left_out(run, workspace):
    (workspace / "data" / "training_fake" / "mid_99_0011.jpg").write_bytes(b"no image")
    layout = run(min_readable_share=0.9)
    assert len(read_split(layout.images)) == 80
    assert summary(layout)["every file is a whole image"]["examples"] == ["training_fake/mid_99_0011.jpg"]


def test_a_photograph_in_two_splits_is_critical(run, workspace):
    reals = sorted((workspace / "data" / "training_real").iterdir())
    for copy in reals[1:30]:
        copy.write_bytes(reals[0].read_bytes())
    with pytest.raises(DataError, match="no photograph stands in two splits"):
        run()


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


def test_odd_but_usable_images_are_warned_of_and_go_on(run, workspace, capfd):
    folder = workspace / "data" / "training_fake"
    Image.new("L", (64, 64), 90).save(folder / "holiday.jpg")
    exif = Image.Exif()
    exif[0x0131], exif[0x0112] = "Adobe Photoshop", 3
    Image.new("RGB", (64, 64), (9, 80, 200)).save(folder / "mid_98_0100.jpg", exif=exif)
    found = summary(run())
    warned = capfd.readouterr().err
    assert found["images are stored as RGB"]["examples"] == ["training_fake/holiday.jpg"]
    for meaning, name in (
        ("no EXIF program name tells of an editor", "mid_98_0100"),
        ("images are stored upright", "mid_98_0100"),
        ("fakes are named by the convention", "holiday"),
    ):
        line = next(line for line in warned.splitlines() if meaning in line)
        assert name in line
        assert line.startswith("WARNING")
