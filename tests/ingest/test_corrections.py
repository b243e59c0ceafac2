import pytest

from fakefaces.base.errors import DataError
from fakefaces.data.photographs import list_photographs
from fakefaces.ingest.corrections import merge_corrections, read_corrections
from tests.conftest import write_photographs


@pytest.fixture
def data(tmp_path):
    return write_photographs(tmp_path / "data", reals=3, fakes=3, size=48)


@pytest.fixture
def fresh(tmp_path):
    return write_photographs(tmp_path / "fresh", reals=5, fakes=5, size=56)


def table(folder, *rows: str):
    path = folder / "corrections.csv"
    path.write_text("\n".join(["path,label,why", *rows]) + "\n")
    return path


def labels(folder) -> dict[str, int]:
    return dict(list_photographs(folder)[["image", "label"]].itertuples(index=False))


def test_new_images_are_added_to_the_present_ones(data, fresh, tmp_path):
    csv = table(fresh, "training_real/real_00004.jpg,fake,x", "training_fake/easy_4_1111.jpg,Real,")
    merged = merge_corrections(read_corrections(csv), data, tmp_path / "set")
    before = labels(data)
    assert labels(merged) == before | {"training_fake/real_00004.jpg": 1, "training_real/easy_4_1111.jpg": 0}
    assert labels(data) == before


def test_a_present_image_changes_its_folder_and_a_taken_name_gets_a_suffix(data, fresh, tmp_path):
    csv = table(fresh, f"{data}/training_real/real_00001.jpg,fake,", "training_real/real_00002.jpg,real,")
    merged_labels = labels(merge_corrections(read_corrections(csv), data, tmp_path / "set"))
    assert merged_labels["training_fake/real_00001.jpg"] == 1
    assert "training_real/real_00001.jpg" not in merged_labels
    assert len(merged_labels) == 7  # the other real_00002.jpg has other bytes, so it is another image
    again = merge_corrections(read_corrections(csv), tmp_path / "set", tmp_path / "set2")
    assert labels(again) == merged_labels


def test_without_photographs_the_corrections_are_the_set(fresh, tmp_path):
    csv = table(fresh, "training_real/real_00000.jpg,real,", "training_fake/easy_0_1111.jpg,fake,")
    merged = merge_corrections(read_corrections(csv), tmp_path / "nothing", tmp_path / "set")
    assert labels(merged) == {"training_real/real_00000.jpg": 0, "training_fake/easy_0_1111.jpg": 1}


def test_every_fault_is_named_with_its_line_and_nothing_is_imported(fresh):
    (fresh / "text.jpg").write_text("no image")
    csv = table(
        fresh,
        "training_real/real_00000.jpg,real,",
        "training_real/real_00001.jpg,doctored,",
        "nowhere.jpg,real,",
        "text.jpg,fake,",
        "training_real/real_00000.jpg,fake,",
        "",
        ",real,",
    )
    with pytest.raises(DataError) as error:
        read_corrections(csv)
    lines = str(error.value).splitlines()[1:]
    assert [line.split(":")[0].strip() for line in lines] == ["line 3", "line 4", "line 5", "line 6", "line 8"]
    reasons = ("neither real nor fake", "cannot be read", "not an image", "real and fake", "cannot be read")
    for line, reason in zip(lines, reasons, strict=True):
        assert reason in line


@pytest.mark.parametrize(("text", "reason"), [("a,b\n1,2\n", "column path"), ("path,label\n", "no row")])
def test_an_invalid_table_is_one_message(tmp_path, text, reason):
    path = tmp_path / "c.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=reason):
        read_corrections(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_corrections(tmp_path / "absent.csv")


def test_a_repeated_row_with_the_same_label_is_allowed_and_labels_are_read_in_any_case(data, fresh, tmp_path):
    csv = table(fresh, "training_real/real_00000.jpg, FAKE ,", "training_real/real_00000.jpg,fake,")
    corrections = read_corrections(csv)
    assert [correction.label for correction in corrections] == [1, 1]
    assert labels(merge_corrections(corrections, data, tmp_path / "set")) == labels(data) | {
        "training_fake/real_00000.jpg": 1
    }


def test_corrected_images_go_where_those_of_their_label_are(data, fresh, tmp_path):
    for old, new in (("training_real", "real"), ("training_fake", "fake")):
        (data / "deep").mkdir(exist_ok=True)
        (data / old).rename(data / "deep" / new)
    csv = table(fresh, "training_real/real_00004.jpg,fake,", "training_fake/easy_4_1111.jpg,real,")
    merged_labels = labels(merge_corrections(read_corrections(csv), data, tmp_path / "set"))
    assert {"deep/fake/real_00004.jpg", "deep/real/easy_4_1111.jpg"} <= set(merged_labels)
    assert len(merged_labels) == 8
    assert not (tmp_path / "set" / "training_real").exists()
