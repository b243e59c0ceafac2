"""The receipt says what was done, and verification finds what is wrong with an output."""

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fakefaces.base.errors import DataError
from fakefaces.inference.score import COLUMNS, SCHEMA_VERSION
from fakefaces.scoring.model import Model
from fakefaces.scoring.storage import Storage
from fakefaces.scoring.verify import finished_job, verify
from tests.scoring.conftest import IDENTITY, MeanScorer, score


class Stub(Model):
    def load(self) -> MeanScorer:
        return MeanScorer()


MODEL = Stub(Path("nowhere"), IDENTITY)


@pytest.fixture
def output(folder, tmp_path) -> Path:
    (folder / "00" / "0003.jpg").write_bytes(b"no image")
    (folder / "01" / "0013.jpg").write_bytes(b"kill me")
    score(folder, tmp_path / "out")
    return tmp_path / "out"


def check(output: Path):
    job, manifest = finished_job(Storage(str(output)))
    return verify(job, manifest, MODEL)


def test_the_receipt_holds_the_model_the_input_the_counts_and_the_digests(output, folder):
    receipt = json.loads((output / "_manifest.json").read_text())
    assert receipt["model"] == IDENTITY.model_dump()
    assert receipt["input"] == {"address": str(folder), "kind": "folder", "column": None, "files": {}}
    problems = {"crashed": 1, "not_an_image": 1}
    assert receipt["counts"] == {"fake": 0, "real": 23, "unsure": 0, "problems": problems, "unfamiliar": None}
    assert (receipt["images"], receipt["engine"], receipt["schema_version"]) == (25, "local", SCHEMA_VERSION)
    assert receipt["started"] <= receipt["ended"]
    assert {"fakefaces", "numpy", "pillow", "pyarrow"} <= set(receipt["packages"])
    for part in receipt["parts"]:
        assert part["sha256"] == hashlib.sha256((output / part["name"]).read_bytes()).hexdigest()
    described = json.loads(pq.read_schema(output / "part-00001.parquet").metadata[b"fakefaces"])
    assert (described["schema_version"], described["part"]) == (SCHEMA_VERSION, 1)
    assert described["model"] == IDENTITY.model_dump()
    table = pq.read_table(output)  # as readers of folders do, without _inputs and the receipt
    assert (table.num_rows, tuple(table.column_names)) == (25, COLUMNS)


def test_a_sound_output_passes(output):
    done = check(output)
    assert (done.images, done.again, done.unread) == (25, 24, [])  # but for the image that ends processes


def test_images_that_are_gone_are_named_and_are_no_fault(output, folder):
    for name in ("01/0015.jpg", "00/0003.jpg"):
        (folder / name).unlink()
    done = check(output)
    assert (done.again, done.unread) == (22, [str(folder / "00/0003.jpg"), str(folder / "01/0015.jpg")])


def test_an_image_that_changed_is_named(output, folder):
    (folder / "02" / "0021.jpg").write_bytes((folder / "00" / "0000.jpg").read_bytes())
    with pytest.raises(DataError, match="0021.jpg: its p_fake was 0.*, and scored again it is 0"):
        check(output)


def rewrite(path: Path, change) -> None:
    table = pq.read_table(path)
    pq.write_table(change(table), path)


def test_parts_that_are_changed_missing_or_too_many_are_named(output):
    part = output / "part-00001.parquet"
    before = part.read_bytes()
    part.write_bytes(before[:-1])
    with pytest.raises(DataError, match="part-00001.parquet: damaged or missing"):
        check(output)
    part.unlink()
    with pytest.raises(DataError, match="part-00001.parquet: damaged or missing"):
        check(output)
    part.write_bytes(before)
    rewrite(part, lambda table: table.slice(0, 9))
    with pytest.raises(DataError, match="its bytes are not those of the receipt"):
        check(output)
    part.write_bytes(before)
    (output / "part-00003.parquet").write_bytes(before)
    with pytest.raises(DataError, match="part-00003.parquet: not a part of this job"):
        check(output)


def test_a_forged_receipt_does_not_hide_a_missing_or_a_doubled_row(output):
    part = output / "part-00002.parquet"
    rewrite(part, lambda table: table.take([0, 1, 2, 3, 3]))
    receipt = json.loads((output / "_manifest.json").read_text())
    receipt["parts"][2]["sha256"] = hashlib.sha256(part.read_bytes()).hexdigest()
    (output / "_manifest.json").write_text(json.dumps(receipt))
    with pytest.raises(DataError, match="part-00002.parquet: its rows are not those of the list"):
        check(output)


def test_counts_list_and_model_must_be_those_of_the_receipt(output):
    receipt = json.loads((output / "_manifest.json").read_text())
    (output / "_manifest.json").write_text(json.dumps(receipt | {"list_sha256": "0" * 64}))
    with pytest.raises(DataError, match="the list of inputs is not that of the receipt"):
        check(output)
    (output / "_manifest.json").write_text(json.dumps(receipt | {"counts": receipt["counts"] | {"fake": 1}}))
    with pytest.raises(DataError, match="counts are 0 fake, 23 real .*, and in the receipt 1 fake"):
        check(output)
    other = Stub(Path("nowhere"), IDENTITY.model_copy(update={"digest": "1" * 64}))
    with pytest.raises(DataError, match="is another detector"):
        verify(*finished_job(Storage(str(output))), other)


def test_what_is_no_finished_output_is_named(output, tmp_path):
    with pytest.raises(DataError, match="no output of fakefaces score"):
        check(tmp_path / "nothing")
    (output / "_manifest.json").write_text("{}")
    with pytest.raises(DataError, match="_manifest.json: damaged"):
        check(output)
    (output / "_manifest.json").unlink()
    with pytest.raises(DataError, match="not finished; run the same fakefaces score again"):
        check(output)
