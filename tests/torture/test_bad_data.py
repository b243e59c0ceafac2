"""Bad and odd files among the photographs of a project: the stages name them, and stop or go on as they promise."""

import pytest

from fakefaces.base.errors import DataError
from fakefaces.base.paths import Layout
from fakefaces.data.formats import sniff
from fakefaces.data.photographs import list_photographs
from fakefaces.data.splits import read_split
from fakefaces.params.file import load
from pipelines import duplicates, split, validate
from tests.torture.bad_files import PROBLEM, OddFile, write_odd_files
from tests.torture.conftest import scaled

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")  # that training may accept


@pytest.fixture
def odd(workspace) -> list[OddFile]:
    """Odd files in both folders of the project, of the formats and sizes that training accepts once they decode."""
    files = []
    for seed, name in enumerate(("training_real", "training_fake")):
        files += write_odd_files(workspace / "data" / name, scaled(500), seed)
    regular = [file for file in files if file.path.is_file()]
    with pytest.raises(DataError, match="names that are not UTF-8: .*latin.*; rename these files"):
        list_photographs(workspace / "data")
    others = [file for file in regular if "latin" in file.path.name]
    others += [file for file in regular if sniff(head(file)) not in (*FORMATS, "") or file.kind == "sides"]
    for file in others:
        file.path.unlink()
    return [file for file in regular if file not in others]


def head(file: OddFile) -> bytes:
    with file.path.open("rb") as opened:
        return opened.read(32)


def test_stages_name_each_file_that_has_a_problem_and_stop_or_go_on(workspace, odd, capfd):
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    duplicates.main(params, layout)
    split.main(params, layout)
    names = {file.path.relative_to(layout.data).as_posix() for file in odd if file.expected == PROBLEM}
    assert names <= set(read_split(layout.split)["image"])
    with pytest.raises(DataError, match=r"at least 100% of the files decode completely: violated by \d+: "):
        validate.main(params, layout)
    told = capfd.readouterr().err
    assert not [name for name in names if f"unreadable: data/{name}: " not in told]
    assert not layout.images.exists()

    lenient = params.validate_.model_copy(update={"min_readable_share": 0.1, "formats": list(FORMATS)})
    validate.main(params.model_copy(update={"validate_": lenient}), layout)
    told = capfd.readouterr().err
    assert not [name for name in names if f"unreadable: data/{name}: " not in told]
    accepted = set(read_split(layout.images)["image"])
    assert not names & accepted
    assert {path.relative_to(layout.data).as_posix() for path in layout.data.rglob("real_0*.jpg")} <= accepted
