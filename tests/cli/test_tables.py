"""The tables of commands at the widths of terminals."""

import re

import pytest

from fakefaces.cli.tables import fitting, print_columns

COLUMNS = {
    "run": ["0066046a", "be80283e"],
    "model": ["custom_cnn_augmented", "forensic"],
    "test roc auc": ["0.969", "0.422"],
    "images per second": ["1083.915", ""],
    "note": ["of a run that says more than the others do, in words", ""],
    "commit": ["8d9e9af", "8d9e9af*"],
}
AT_80 = """\
                                test    images
                                 roc       per
run       model                  auc    second  commit
0066046a  custom_cnn_augmented  0.969  1083.915  8d9e9af
be80283e  forensic              0.422            8d9e9af*
A wider terminal or --json also shows: note
"""


@pytest.fixture
def terminal(monkeypatch, capsys):
    """What a command prints on a terminal of a width."""

    def at(width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        print_columns(COLUMNS)
        return [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in capsys.readouterr().out.splitlines()]

    return at


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_cell_stands_on_one_line_and_what_does_not_fit_is_named(terminal, width):
    lines = terminal(width)
    assert max(map(len, lines)) <= width
    shown = fitting(COLUMNS, width)
    for row in range(2):
        assert [line for line in lines if all(COLUMNS[name][row] in line for name in shown)]
    left_out = " ".join(" ".join(lines).partition("also shows:")[2].split())
    assert left_out == ", ".join(name for name in COLUMNS if name not in shown)


def test_the_first_columns_matter_most_and_narrow_ones_fill_what_is_left():
    assert fitting(COLUMNS, 120) == list(COLUMNS)
    assert fitting(COLUMNS, 80) == ["run", "model", "test roc auc", "images per second", "commit"]
    assert fitting(COLUMNS, 31) == ["run", "model"]
    assert fitting(COLUMNS, 1) == ["run"]


def test_the_table_at_80_columns(terminal):
    assert [line.split() for line in terminal(80)] == [line.split() for line in AT_80.splitlines()]


def test_a_pipe_gets_all_columns_with_their_whole_headings(capsys):
    print_columns(COLUMNS)
    heading, *rows = capsys.readouterr().out.splitlines()
    assert [name for name in COLUMNS if name in heading] == list(COLUMNS)
    assert len(rows) == 2 and COLUMNS["note"][0] in rows[0]
