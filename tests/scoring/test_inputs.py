"""What INPUT may be: each kind lists its images once, in a fixed order, and says what it leaves out."""

import csv
import gzip
import http.server
import os
import threading
from collections import Counter
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakefaces.base.errors import DataError, ImageError
from fakefaces.data import images
from fakefaces.scoring import reading
from fakefaces.scoring.inputs import Kind, find_inputs
from fakefaces.scoring.reading import Input, Reader
from tests.scoring.conftest import rows_of, score, write_images


def keys(source: object, column: str | None = None) -> list[str]:
    return [image.key for image in find_inputs(str(source), column).images()]


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_folder_is_walked_in_order_whatever_the_suffixes_and_hidden_files_are_counted(folder, tmp_path, monkeypatch):
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.jpg").touch()
    (folder / ".git").mkdir()
    (folder / ".git" / "config").touch()
    (folder / "02" / "link.jpg").symlink_to(folder / "00" / "0001.jpg")
    (folder / "again").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    inputs = find_inputs(str(folder))
    files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts and path.name[0] != "."]
    expected = sorted(files, key=lambda path: path.relative_to(folder).parts)
    listed = list(inputs.images())
    assert inputs.kind is Kind.FOLDER
    assert [Path(image.key) for image in listed] == expected
    assert all(image.address == image.key for image in listed)
    assert inputs.skipped == Counter(
        {"hidden files and folders": 2, "links to folders": 1, "files that are not regular": 1}
    )
    monkeypatch.chdir(tmp_path)
    assert keys("photographs/") == [str(path.relative_to(tmp_path)) for path in expected]  # as it was named


def test_a_single_file_is_an_input_whatever_it_is(folder):
    path = folder / "02" / "0024.jpg"
    assert find_inputs(str(path)).kind is Kind.IMAGE
    assert keys(path) == keys(path.as_uri()) == [str(path)]


def test_an_output_within_the_input_is_left_out(folder):
    assert score(folder, folder / "out", part_size=5).images == 25
    assert score(folder, folder / "out", part_size=5).images == 25


def test_a_name_that_is_not_utf8_is_read_and_shown(tmp_path):
    raw = os.fsencode(tmp_path) + b"/bad\xff.jpg"
    with open(raw, "wb") as file:  # noqa: PTH123, since a Path has no bytes
        file.write(b"content")
    (image,) = find_inputs(str(tmp_path)).images()
    assert image.key == f"{tmp_path}/bad\\xff.jpg"
    assert Reader().read(image) == b"content"


def test_links_that_lead_nowhere_or_to_themselves_are_inputs_that_are_missing(tmp_path):
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    (tmp_path / "dangling.jpg").symlink_to("nowhere.jpg")
    listed = list(find_inputs(str(tmp_path)).images())
    assert [Path(image.key).name for image in listed] == ["circle.jpg", "dangling.jpg"]
    for image in listed:
        with pytest.raises(ImageError, match="cannot be read"):
            Reader().read(image)


def test_a_folder_that_cannot_be_listed_ends_the_listing(folder, monkeypatch):
    listing = os.scandir

    def refuse(path):
        if str(path).endswith("/01"):
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="01: the folder cannot be listed .Permission denied."):
        keys(folder)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("*/*.jpg", 25), ("**/*.jpg", 26), ("*.jpg", 1), ("0[12]/*", 15), ("02/002?.jpg", 5), ("**/0003.*", 1)],
)
def test_a_glob_lists_what_it_matches(folder, pattern, count):
    (folder / "top.jpg").touch()
    found = keys(f"{folder}/{pattern}")
    assert len(found) == count
    assert found == sorted(found, key=lambda path: Path(path).parts)
    assert {Path(path) for path in found} == set(folder.glob(pattern))


def test_a_list_names_files_relative_to_itself_addresses_and_absolute_paths(folder, tmp_path):
    named = ["photographs/00/0001.jpg", str(folder / "00" / "0002.jpg"), (folder / "00" / "0003.jpg").as_uri()]
    path = write_csv(tmp_path / "list.csv", [["id", "path"], *([str(k), name] for k, name in enumerate(named))])
    listed = list(find_inputs(str(path)).images())
    assert [image.key for image in listed] == named
    assert [image.address for image in listed] == [str(folder / "00" / f"000{k}.jpg") for k in (1, 2, 3)]
    table = pa.table({"picture": named, "path": ["x", "y", "z"]})
    pq.write_table(table, tmp_path / "list.parquet")
    assert keys(tmp_path / "list.parquet", "picture") == named
    with gzip.open(tmp_path / "list.csv.gz", "wb") as file:
        file.write(path.read_bytes())
    assert keys(tmp_path / "list.csv.gz") == named
    assert find_inputs(str(path)).kind is find_inputs(str(tmp_path / "list.parquet"), "picture").kind is Kind.LIST


def test_a_key_that_repeats_gets_one_row_and_that_is_said(folder, tmp_path, capfd):
    names = [f"photographs/00/000{k}.jpg" for k in (1, 2, 1, 3, 2, 1)]
    score(write_csv(tmp_path / "list.csv", [["url"], *([name] for name in names)]), tmp_path / "out", part_size=2)
    assert [row["path"] for row in rows_of(tmp_path / "out")] == [f"photographs/00/000{k}.jpg" for k in (1, 2, 3)]
    assert "3 entries repeat a path or address; each gets one row" in capfd.readouterr().err


def test_lists_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(DataError, match="no column path or url; .* --column: id, file"):
        find_inputs(str(write_csv(tmp_path / "a.csv", [["id", "file"], ["1", "a.jpg"]])))
    with pytest.raises(DataError, match="no column picture"):
        find_inputs(str(tmp_path / "a.csv"), "picture")
    with pytest.raises(DataError, match="row 2 has no path"):
        keys(write_csv(tmp_path / "b.csv", [["id", "path"], ["1", "a.jpg"], ["2", ""]]))
    (tmp_path / "c.csv").write_bytes(b"path\n\xff\xfe\n")
    with pytest.raises(DataError, match="c.csv: cannot be read as CSV"):
        keys(tmp_path / "c.csv")
    (tmp_path / "d.parquet").write_bytes(b"no table")
    with pytest.raises(DataError, match="d.parquet: cannot be read as Parquet"):
        find_inputs(str(tmp_path / "d.parquet"))
    with pytest.raises(DataError, match="there is no such file, folder or address"):
        find_inputs(str(tmp_path / "absent"))
    with pytest.raises(DataError, match="--column is for lists and tables, and this is a folder"):
        find_inputs(str(tmp_path), "path")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no image in this folder"):
        score(tmp_path / "empty", tmp_path / "out")


@pytest.fixture
def table(tmp_path) -> tuple[Path, list[Path]]:
    """A table of images in two files with small row groups."""
    files = write_images(tmp_path / "single", 50)
    (tmp_path / "table").mkdir()
    for k, start in enumerate((0, 30)):
        part = files[start : start + 30 - 10 * k]
        columns = {"id": [path.name for path in part], "content": [path.read_bytes() for path in part]}
        pq.write_table(pa.table(columns), tmp_path / "table" / f"{k}.parquet", row_group_size=7)
    (tmp_path / "table" / "_SUCCESS").touch()
    return tmp_path / "table", files


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_table_of_images_is_scored_by_its_bytes(table, tmp_path, jobs):
    source, files = table
    assert find_inputs(str(source)).kind is Kind.TABLE
    score(source, tmp_path / "out", part_size=20, jobs=jobs)
    expected = [(path.name, pytest.approx(images.decode(path.read_bytes()).mean() / 255)) for path in files]
    assert [(row["path"], row["p_fake"]) for row in rows_of(tmp_path / "out")] == expected


def test_rows_without_a_key_have_their_number_and_any_row_can_be_read(table, tmp_path):
    _, files = table
    pq.write_table(pa.table({"jpeg": [path.read_bytes() for path in files]}), tmp_path / "t.parquet", row_group_size=9)
    inputs = find_inputs(str(tmp_path / "t.parquet"))
    assert [image.key for image in inputs.images()] == [str(k) for k in range(50)]
    reader = Reader(inputs.content)
    for row in (0, 1, 30, 31, 8, 49, 9):
        assert reader.read(Input("k", str(tmp_path / "t.parquet"), row)) == files[row].read_bytes()
    with pytest.raises(ImageError, match="row 50: the table has no such row any more"):
        reader.read(Input("k", str(tmp_path / "t.parquet"), 50))
    pq.write_table(pa.table({"a": [b"x"], "b": [b"y"], "c": [None]}), tmp_path / "two.parquet")
    with pytest.raises(DataError, match="several columns of bytes; choose one with --column: a, b"):
        find_inputs(str(tmp_path / "two.parquet"))
    assert find_inputs(str(tmp_path / "two.parquet"), "b").content == "b"


def test_a_list_that_changed_since_it_was_frozen_is_refused(folder, tmp_path):
    path = write_csv(tmp_path / "list.csv", [["path"], ["photographs/00/0001.jpg"]])
    score(path, tmp_path / "out")
    write_csv(path, [["path"], ["photographs/00/0002.jpg"]])
    with pytest.raises(DataError, match="list.csv has changed since the list was frozen"):
        score(path, tmp_path / "out")


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    yield files
    files.rm("/", recursive=True)


def test_addresses_of_fsspec_are_listed_and_read(memory, folder):
    for path in sorted(folder.rglob("*.jpg"))[:12]:
        memory.pipe_file(f"/bucket/{path.parent.name}/{path.name}", path.read_bytes())
    memory.pipe_file("/bucket/.hidden", b"")
    listed = list(find_inputs("memory://bucket").images())
    assert [image.key for image in listed] == [
        f"memory:///bucket/{path.parent.name}/{path.name}" for path in sorted(folder.rglob("*.jpg"))[:12]
    ]
    assert keys("memory://bucket/01/*.jpg") == [image.key for image in listed[10:]]
    assert Reader().read(listed[0]) == (folder / "00" / "0000.jpg").read_bytes()
    with pytest.raises(ImageError, match="there is no such file") as caught:
        Reader().read(Input("a", "memory://bucket/gone.jpg"))
    assert caught.value.problem == "missing"
    with pytest.raises(DataError, match="not an address that fsspec knows"):
        find_inputs("nosuchprotocol://a/b")


def test_the_output_may_be_an_address_of_fsspec(memory, folder, tmp_path):
    score(folder, tmp_path / "local")
    score(folder, "memory://results/run", jobs=1)
    for name in ("part-00000.parquet", "part-00002.parquet"):
        assert memory.cat_file(f"/results/run/{name}") == (tmp_path / "local" / name).read_bytes()
    memory.rm_file("/results/run/part-00001.parquet")
    assert score(folder, "memory://results/run", jobs=1).images == 25
    assert memory.cat_file("/results/run/part-00001.parquet") == (tmp_path / "local/part-00001.parquet").read_bytes()


class Handler(http.server.BaseHTTPRequestHandler):
    """``/N.jpg`` is an image, ``/flaky.jpg`` is one the second time, and other names are kinds of trouble."""

    content = b""
    asked: Counter[str] = Counter()

    def do_GET(self) -> None:
        name = self.path.split("?")[0].rsplit("/", 1)[1]
        self.asked[name] += 1
        status = {"gone.jpg": 404, "gone.csv": 404, "secret.jpg": 403}.get(name, 200)
        if name == "flaky.jpg" and self.asked[name] == 1:
            status = 503
        body = {"large.jpg": b"x" * 200_000, "list.csv": b"path\n1.jpg\nhttp://other/2.jpg\n"}.get(name, self.content)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + (100 if name == "short.jpg" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(folder):
    Handler.content, Handler.asked = (folder / "00" / "0000.jpg").read_bytes(), Counter()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_images_at_http_addresses_are_scored_and_their_secrets_stay_in_the_keys(server, tmp_path, capfd):
    names = ["1.jpg", "flaky.jpg", "gone.jpg", "secret.jpg", "short.jpg"]
    urls = [f"http://user:hush@{server}/{name}?signature=hush" for name in names] + ["http://127.0.0.1:9/a.jpg?s=hush"]
    path = write_csv(tmp_path / "list.csv", [["url"], *([url] for url in urls)])
    score(path, tmp_path / "out", jobs=1)
    rows = rows_of(tmp_path / "out")
    assert [row["path"] for row in rows] == urls
    problems = [row["problem"] for row in rows]
    assert problems == [None, None, "missing", "unreadable", "unreadable", "unreadable"]
    assert Handler.asked["flaky.jpg"] == 2
    assert f"http://{server}/gone.jpg: the server answers 404" in rows[2]["problem_detail"]
    assert not any("hush" in (row["problem_detail"] or "") for row in rows)
    assert "hush" not in (tmp_path / "out" / "_manifest.json").read_text() + capfd.readouterr().err


def test_a_list_and_an_image_may_lie_at_http_addresses(server):
    assert keys(f"http://{server}/a/1.jpg?s=1") == [f"http://{server}/a/1.jpg?s=1"]
    inputs = find_inputs(f"http://{server}/a/list.csv?signature=hush")
    assert [image.address for image in inputs.images()] == [f"http://{server}/a/1.jpg", "http://other/2.jpg"]
    assert "hush" not in str(inputs.identity)
    with pytest.raises(DataError, match="gone.csv: cannot be read as CSV .FileNotFoundError."):
        find_inputs(f"http://{server}/gone.csv?signature=hush")


def test_a_body_beyond_the_bound_is_not_read_to_its_end(server, monkeypatch):
    monkeypatch.setattr(reading.images, "MAX_BYTES", 100_000)
    with pytest.raises(ImageError, match="more than the 100,000 bytes") as caught:
        Reader().read(Input("k", f"http://{server}/large.jpg"))
    assert caught.value.problem == "too_large"


def test_a_device_is_not_read(tmp_path):
    with pytest.raises(ImageError, match="not a regular file") as caught:
        Reader().read(Input("/dev/zero", "/dev/zero"))
    assert caught.value.problem == "unreadable"
    with pytest.raises(ImageError) as caught:
        Reader().read(Input("a", "/a\0b"))
    assert caught.value.problem == "missing"


@pytest.mark.parametrize("name", ["pipe.csv", "pipe.parquet", "pipe.jpg", "device.csv"])
def test_an_input_that_is_no_file_is_refused_before_it_is_opened(tmp_path, name):
    if name.startswith("pipe"):
        os.mkfifo(tmp_path / name)
    else:
        (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(DataError, match="neither a folder nor a regular file"):
        find_inputs(str(tmp_path / name), None)
