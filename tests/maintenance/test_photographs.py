import shutil

import pytest

from fakefaces.ingest.record import track
from fakefaces.maintenance.photographs import check_data
from tests.conftest import write_photographs


@pytest.fixture
def root(tmp_path, make_project):
    return make_project(tmp_path / "project").root


def results(root) -> list[tuple[str, str]]:
    return [(result.level, result.text) for result in check_data(root)]


def test_data_as_accepted_are_well_and_changes_are_named(root):
    assert results(root) == [("ok", "data/ is as in data.dvc")]
    (root / "data" / "training_real" / "mine.jpg").write_bytes(b"mine")
    ((level, text),) = results(root)
    assert level == "error" and "added: data/training_real/mine.jpg" in text
    track(root, "")
    assert results(root) == [("ok", "data/ is as in data.dvc")]


def test_what_is_missing_or_was_interrupted_is_repaired(root):
    shutil.rmtree(root / "data")
    (result,) = check_data(root)
    assert (result.level, result.text) == ("error", "data/ is missing")
    result.fix()
    (root / ".unfinished" / "import").mkdir(parents=True)
    interrupted, state = check_data(root)
    assert "interrupted" in interrupted.text and state.level == "ok"
    interrupted.fix()
    assert results(root) == [("ok", "data/ is as in data.dvc")]


def test_an_import_of_an_earlier_release_and_a_broken_record_are_named(tmp_path):
    assert results(tmp_path) == []
    write_photographs(tmp_path / "data", reals=1, fakes=1)
    assert "DVC does not know data/" in results(tmp_path)[0][1]
    (tmp_path / "data.dvc").write_text("{")
    assert "git checkout data.dvc" in results(tmp_path)[0][1]
    from fakefaces.tracking.digests import digest

    out = f"outs: [{{path: data, md5: {digest(tmp_path / 'data')}}}]"
    (tmp_path / "data.dvc").write_text(f"deps: [{{path: /elsewhere}}]\n{out}\n")
    assert "is an import" in results(tmp_path)[0][1]
