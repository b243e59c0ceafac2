import pandas as pd
import pytest

from fakefaces.base.errors import DataError
from fakefaces.data.attributes import NAME, attribute_names, read_attributes, with_attributes, write_attributes
from fakefaces.data.splits import read_split
from fakefaces.ingest.collection import sha256
from tests.conftest import write_photographs


def test_attributes_are_found_by_content_whatever_a_photograph_is_called(tmp_path):
    data = write_photographs(tmp_path / "data", reals=2, fakes=1)
    first, second = sorted((data / "training_real").iterdir())
    write_attributes(data, {sha256(first): {"camera": "A"}, sha256(second): {"age": "07"}, "0" * 64: {"age": "9"}})
    first.rename(data / "training_real" / "z.jpg")
    names = ["training_real/z.jpg", f"training_real/{second.name}"]
    table = with_attributes(pd.DataFrame({"image": names}), data)
    assert attribute_names(table) == ["age", "camera"]
    assert table["attribute_camera"].tolist() == ["A", ""]
    table.assign(label=0, group="g", difficulty="").to_csv(tmp_path / "table.csv", index=False)
    assert read_split(tmp_path / "table.csv")["attribute_age"].tolist() == ["", "07"]  # no number


def test_without_a_file_nothing_is_added_and_equal_attributes_give_equal_bytes(tmp_path):
    faces = pd.DataFrame({"image": ["a.jpg"]})
    assert with_attributes(faces, tmp_path) is faces
    write_attributes(tmp_path, {"b": {"y": "2", "x": "1"}, "a": {"x": "3"}})
    first = (tmp_path / NAME).read_bytes()
    write_attributes(tmp_path, dict(reversed(read_attributes(tmp_path).items())))
    assert (tmp_path / NAME).read_bytes() == first == b"sha256,x,y\na,3,\nb,1,2\n"


@pytest.mark.parametrize(
    "text", [b"name,x\na,1\n", b"sha256,x\na,\xff\n", b'sha256,x\na,"1\n2"\n', b"sha256,x|y\na,1\n"]
)
def test_a_file_that_is_not_ours_is_refused(tmp_path, text):
    (tmp_path / NAME).write_bytes(text)
    with pytest.raises(DataError, match=r"data/attributes.csv"):
        read_attributes(tmp_path)


def test_cells_beyond_the_header_are_no_attributes(tmp_path):
    (tmp_path / NAME).write_text("sha256,x\na,1,2\n")
    assert read_attributes(tmp_path) == {"a": {"x": "1"}}
