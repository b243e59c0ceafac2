import pytest

from fakefaces.ingest.tables import Dialect, read_table


def table(folder, text: str):
    path = folder / "labels.csv"
    path.write_text(text)
    return path


def attributes(path, **dialect: str) -> list[dict[str, str]]:
    return [row.attributes for row in read_table(path, Dialect(**dialect)).rows]


def test_further_columns_are_attributes_and_it_is_said(tmp_path):
    path = table(tmp_path, "path,label,Camera model,source\na.jpg,real, Canon  5D ,web\nb.jpg,fake,,gan\n")
    assert attributes(path) == [{"Camera model": "Canon 5D", "source": "web"}, {"source": "gan"}]
    assert any("Camera model, source" in note and "evaluate.slices" in note for note in read_table(path).notes)


def test_paths_labels_splits_photographs_and_our_own_scores_are_no_attributes(tmp_path):
    header = "path,label,split,group,Person,name,p_fake,predicted,file,is_fake,sha256,reviewers,at,sure"
    row = "a.jpg,real,train,g1,p1,n,0.5,real,x,0,abc,anna,2026-11-02T10:00:00Z,yes"
    assert attributes(table(tmp_path, f"{header}\n{row}\n")) == [{}]
    path = table(tmp_path, "where,truth,label,category\na.jpg,real,x,phone\nb.jpg,fake,y,camera\n")
    chosen = {"path_column": "where", "label_column": "truth"}
    assert attributes(path, **chosen) == [{"category": "phone"}, {"category": "camera"}]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("who", [f"person {k}" for k in range(30)]),  # a value for each image
        ("comment", ["x" * 70] * 30),
        ("<b>", ["x"] * 30),
        ("a|b", ["x"] * 30),
        ("empty", [""] * 30),
    ],
)
def test_columns_that_make_no_group_are_not_kept(tmp_path, name, values):
    rows = "".join(f"{k}.jpg,real,{value}\n" for k, value in enumerate(values))
    read = read_table(table(tmp_path, f"path,label,{name}\n{rows}".replace("label,a|b", 'label,"a|b"')))
    assert all(not row.attributes for row in read.rows)
    assert any("not kept" in note and name in note for note in read.notes) == (name != "empty")


def test_hundreds_of_categories_are_kept_where_images_share_them_whatever_is_written_in_them(tmp_path):
    rows = "".join(f'{k}.jpg,real,"cat ""{k % 300}"" <b>|`=1+2`"\n' for k in range(900))
    read = attributes(table(tmp_path, f'path,label,"_Camera. model-2"\n{rows}'))
    assert read[301] == {"_Camera. model-2": 'cat "1" <b>|`=1+2`'}
    assert len({row["_Camera. model-2"] for row in read}) == 300


def test_numbers_are_kept_however_many_they_are(tmp_path):
    rows = "".join(f"{k}.jpg,real,{k + 0.5}\n" for k in range(30))
    assert attributes(table(tmp_path, f"path,label,age\n{rows}"))[3] == {"age": "3.5"}
