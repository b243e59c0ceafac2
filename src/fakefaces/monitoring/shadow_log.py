"""What champion and challenger said of the same photographs, and what people said of them since."""

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown
from fakefaces.data.faces import FAKE, REAL
from fakefaces.ingest.corrections import read_corrections
from fakefaces.monitoring.batches import read_batches

SHADOW = "_shadow"  # the folder of the challenger's scores in an output of fakefaces score
_COLUMNS = ("sha256", "models", "champion", "challenger")
_LABELS = {"real": REAL, "fake": FAKE}
_LINE = 2**16  # characters; a longer line is none of ours


def read_pairs(paths: list[Path]) -> pd.DataFrame:
    """Read logs of the server's shadow, and outputs of ``fakefaces score --shadow``.

    Returns:
        A row for each photograph that both models scored, each content once, in the order in which they came:
        ``sha256``, ``models`` (which champion and which challenger), and the label of each, 1 fake and 0 real, by its
        own operating point. Of several pairs of models, those of the last one.

    Raises:
        DataError: no such file, or no photograph that both scored.
    """
    tables = [_of_log(path) if path.is_file() else _of_output(path) for path in paths]
    pairs: pd.DataFrame = pd.concat(tables, ignore_index=True).drop_duplicates(["sha256", "models"], keep="last")
    if pairs.empty:
        raise DataError(f"{', '.join(map(shown, paths))}: no photograph that both models scored")
    last: pd.DataFrame = pairs[pairs["models"] == pairs["models"].iloc[-1]]
    return last.reset_index(drop=True)


def read_labels(table: Path) -> dict[str, int]:
    """Read what people said: the journal ``labels.csv`` of a review, or a table of labelled images.

    Returns:
        1 for fake and 0 for real by sha256, in the order in which the labels came to be what they are. A photograph on
        which people disagree has none.

    Raises:
        DataError: it cannot be read, or has other columns.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            names = list(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{shown(table)}: cannot be read as a CSV in UTF-8 ({error})") from None
    key = next((name for name in ("photograph", "sha256") if name in names), None)
    if key is None or "label" not in names:
        return {correction.sha256: correction.label for correction in read_corrections(table)}
    said: dict[str, dict[str, str]] = {}
    for row in rows:
        by_person = said.pop(row[key], {})  # the order is that of the last change
        by_person[row.get("reviewer") or ""] = row["label"]
        said[row[key]] = by_person
    labels = {}
    for digest, by_person in said.items():
        distinct = {label for label in by_person.values() if label}  # an empty one takes a label away
        if len(distinct) == 1 and (label := distinct.pop()) in _LABELS:
            labels[digest] = _LABELS[label]
    return labels


def _of_log(path: Path) -> pd.DataFrame:
    rows = []
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if len(line) <= _LINE and (row := _pair(line)):
                    rows.append(row)
    except OSError as error:
        raise DataError(f"{shown(path)}: cannot be read ({error.strerror or error})") from None
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _pair(line: str) -> tuple[str, str, int, int] | None:
    """The values of a line; None of one that is no pair, such as one that a killed server left."""
    try:
        record: dict[str, Any] = json.loads(line)
        said = [record["champion"], record["challenger"]]
        models = " ".join(str(one["version"]) for one in said)
        champion, challenger = (_LABELS[one["label"]] for one in said)
        return str(record["sha256"]), models, champion, challenger
    except (ValueError, RecursionError, LookupError, TypeError):
        return None


def _of_output(path: Path) -> pd.DataFrame:
    """The pairs in an output of ``fakefaces score``."""
    if path.is_dir() and not (path / SHADOW).is_dir():
        raise DataError(f"{shown(path)}: scored without a challenger; score with: fakefaces score --shadow MODEL")
    (champion,), (challenger,) = read_batches(path), read_batches(path / SHADOW)
    columns = ["sha256", "label"]
    both = champion.rows[columns].dropna().merge(challenger.rows[columns].dropna(), on="sha256", suffixes=("", "_2"))
    return pd.DataFrame(
        {
            "sha256": both["sha256"],
            "models": f"{champion.digest} {challenger.digest}",
            "champion": both["label"].map(_LABELS),
            "challenger": both["label_2"].map(_LABELS),
        }
    )
