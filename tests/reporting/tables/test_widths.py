"""Wide tables become several that fit GitHub's column of text."""

import pytest

from fakefaces.reporting.tables.widths import GITHUB, split, width

LONG = "custom_cnn_augmented"


def table(n: int, cell: str, key: str = LONG) -> dict[str, list[str]]:
    return {"model": [key, "b"]} | {f"column {k}": [cell, "–"] for k in range(n)}


@pytest.mark.parametrize("cell", ["0.123", "0.123 [0.01, 0.99]"])
@pytest.mark.parametrize("n", [1, 4, 11, 30])
def test_each_table_fits_begins_with_the_key_and_no_column_is_lost(n, cell):
    columns = table(n, cell)
    parts = split(columns)
    assert all(width(part) <= GITHUB for part in parts)
    assert [title for part in parts for title in part if title != "model"] == list(columns)[1:]
    for part in parts:
        assert next(iter(part)) == "model"
        assert all(cells == columns[title] for title, cells in part.items())
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= len(parts)  # none has a single column while others are full


def test_a_table_that_fits_stays_whole():
    assert split(table(3, "0.123 [0.01, 0.99]")) == [table(3, "0.123 [0.01, 0.99]")]


def test_a_comparison_keeps_its_two_keys_and_a_metric_its_p_value():
    names = [
        "first",
        "second",
        "accuracy, first minus second",
        "p (accuracy)",
        "ROC AUC, first minus second",
        "p (ROC AUC)",
    ]
    cells = [LONG, LONG, "-0.123 [-0.45, +0.67]", "0.001", "-0.123 [-0.45, +0.67]", "0.001"]
    parts = split(dict(zip(names, ([cell] for cell in cells), strict=True)), keys=2)
    assert [list(part) for part in parts] == [names[:4], names[:2] + names[4:]]


def test_what_cannot_fit_is_a_table_of_its_own():
    columns = table(2, "w" * 200)
    assert [list(part) for part in split(columns)] == [["model", "column 0"], ["model", "column 1"]]
