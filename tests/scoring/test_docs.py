"""The tables of docs/scoring.md are those of the code."""

import re

from fakefaces.inference.score import PROBLEMS, SCHEMA_VERSION
from fakefaces.scoring.job import PART_SIZE
from fakefaces.scoring.rows import COLUMNS, schema
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "scoring.md").read_text()


def test_the_columns_and_their_types_are_those_of_the_files():
    listed = re.findall(r"^\| `(\w+)` \| (string|double|bool|int64) \|", PAGE, re.MULTILINE)
    assert listed == [(field.name, str(field.type)) for field in schema()]
    assert [name for name, _ in listed] == list(COLUMNS)
    assert f"The version of these columns is {SCHEMA_VERSION};" in PAGE


def test_the_problems_are_those_of_the_code():
    table = PAGE[PAGE.index("| `problem` | |") :].split("\n\n")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE)) == PROBLEMS


def test_a_part_has_the_size_that_the_page_says():
    assert PART_SIZE == 1_000 and "a thousand images each" in PAGE
