import shutil

import pytest

from fakefaces.base.errors import DataError
from fakefaces.ingest.corrections import read_corrections
from fakefaces.ingest.tables import Dialect, find_image, read_table
from tests.conftest import write_photographs


def table(folder, text: str, encoding: str = "utf-8"):
    path = folder / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


def labels(path, **dialect: str) -> list[tuple[str, int | None]]:
    return [(row.path, row.label) for row in read_table(path, Dialect(**dialect)).rows]


PLAIN = [("a.jpg", 0), ("b.jpg", 1)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters_and_encodings_are_recognized(tmp_path, encoding, mark):
    text = "path,label\na.jpg,Real\nb.jpg,FAKE\n".replace(",", mark)
    assert labels(table(tmp_path, text, encoding)) == PLAIN


def test_letters_of_windows_are_read_and_it_is_said(tmp_path):
    read = read_table(table(tmp_path, "path;label\nmüller.jpg;real\n", "cp1252"))
    assert read.rows[0].path == "müller.jpg"
    assert "cp1252 with semicolons" in read.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "filename,class\na.jpg,0\nb.jpg,1\n",
        "image,is_fake\na.jpg,False\nb.jpg,True\n",
        "id,Image_Path,Label\n1,a.jpg,real\n2,b.jpg,fake\n",
        "file,is_real\na.jpg,1\nb.jpg,0\n",
        "path,label\na.jpg,original\nb.jpg,manipulated\n",
        "img,target,other\na.jpg,0.0,x\nb.jpg,1.0,y\n",
    ],
)
def test_columns_and_values_are_understood_and_said(tmp_path, text):
    path = table(tmp_path, text)
    assert labels(path) == PLAIN
    assert any("is fake" in note and "--fake-label" in note for note in read_table(path).notes) or "real" in text


def test_what_could_be_meant_in_two_ways_is_asked_for(tmp_path):
    two = table(tmp_path, "file,image,label\na.jpg,x,real\nb.jpg,y,fake\n")
    with pytest.raises(DataError, match=r"several columns may be the path \(file, image\).*--path-column NAME"):
        read_table(two)
    assert labels(two, path_column="file") == PLAIN
    unknown = table(tmp_path, "path,wert\na.jpg,echt\nb.jpg,falsch\n")
    with pytest.raises(DataError, match="no column label; there are: path, wert. Name it: --label-column NAME"):
        read_table(unknown)
    with pytest.raises(DataError, match="values echt, falsch.*--fake-label VALUE"):
        read_table(unknown, Dialect(label_column="wert"))
    assert labels(unknown, label_column="wert", fake_label="Falsch") == PLAIN
    for dialect, message in (
        (Dialect(label_column="nope"), "--label-column nope: no such column"),
        (Dialect(label_column="wert", fake_label="nope"), "--fake-label nope"),
        (Dialect(label_column="wert", split_column="nope"), "--split-column nope"),
    ):
        with pytest.raises(DataError, match=message):
            read_table(unknown, dialect)


def test_a_column_of_splits_is_read(tmp_path):
    path = table(tmp_path, "path,label,split\na.jpg,real,Train\nb.jpg,fake,val\nc.jpg,fake,holdout\n")
    assert [row.split for row in read_table(path).rows] == ["train", "validation", ""]


def test_windows_paths_lead_to_the_files_beside_the_table(tmp_path):
    root = write_photographs(tmp_path / "set", reals=1, fakes=1)
    image = root / "training_real" / "real_00000.jpg"
    for written in ("training_real\\real_00000.jpg", "C:\\Users\\me\\set\\training_real\\real_00000.jpg"):
        assert find_image(written, root) == image
    shutil.copy(image, root / "odd\\name.jpg")
    assert find_image("odd\\name.jpg", root) == root / "odd\\name.jpg"
    path = table(root, "path;label\ntraining_real\\real_00000.jpg;0\ntraining_fake\\easy_0_1111.jpg;1\n")
    assert [correction.label for correction in read_corrections(path)] == [0, 1]


def test_a_pipe_and_a_binary_file_are_no_tables(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    for name in ("pipe.csv", "binary.csv"):
        with pytest.raises(DataError, match="cannot be read as a CSV"):
            read_table(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    ["path,label\nreal/a.jpg,1\nfake/b.jpg,0\n", "path,label,label_str\na.jpg,1,real\nb.jpg,0,fake\n"],
)
def test_numbers_that_contradict_the_words_beside_them_are_asked_for(tmp_path, text):
    path = table(tmp_path, text)
    with pytest.raises(DataError, match="1 is real in the column label.*--fake-label 0"):
        read_table(path)
    assert [row.label for row in read_table(path, Dialect(fake_label="0")).rows] == [0, 1]


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_table_is_said_to_be_empty(tmp_path, text):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(DataError, match="labels.csv: it is empty"):
        read_table(tmp_path / "labels.csv")


@pytest.mark.parametrize("mark", [";", "\t", "#"])
def test_a_line_above_the_header_may_name_the_delimiter_as_excel_writes_it(tmp_path, mark):
    path = table(tmp_path, f"sep={mark}\r\npath{mark}label\r\na.jpg{mark}real\r\nb.jpg{mark}fake\r\n")
    assert labels(path) == PLAIN
    assert [row.line for row in read_table(path).rows] == [3, 4]


@pytest.mark.parametrize(
    "text",
    [
        "path,label,class\na.jpg,real,fake\nb.jpg,fake,real\n",
        "path,label,is_fake\na.jpg,real,1\nb.jpg,fake,0\n",
        "path,label,is_real\na.jpg,0,0\nb.jpg,1,1\n",
        "path,label,target\na.jpg,original,deepfake\nb.jpg,manipulated,genuine\n",
    ],
)
def test_columns_of_labels_that_contradict_each_other_are_asked_for(tmp_path, text):
    path = table(tmp_path, text)
    with pytest.raises(DataError, match=r"the columns label and \w+ contradict each other in 2 rows.*--label-column"):
        read_table(path)
    assert labels(path, label_column="label") == PLAIN


def test_a_correction_may_contradict_the_folder_that_an_image_lies_in(tmp_path):
    path = table(tmp_path, "path,label,class\nfake/a.jpg,real,real\nreal/b.jpg,fake,cat\n")
    assert [row.label for row in read_table(path).rows] == [0, 1]
