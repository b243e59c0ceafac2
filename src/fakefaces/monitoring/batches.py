"""Batches of scored photographs: the Parquet of ``fakefaces score``, and the log of the server."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown
from fakefaces.inference.file_facts import FACT_COLUMNS, FileFacts
from fakefaces.inference.score import Prediction

COLUMNS = ("path", *Prediction.model_fields, *FACT_COLUMNS)
_NUMBERS = [
    name
    for name, field in (Prediction.model_fields | FileFacts.model_fields).items()
    if field.annotation in (float | None, int | None)
]
_LOGS = (".jsonl", ".log", ".ndjson")
_LINE = 2**20  # characters of a line of a log; a longer one is none of ours


@dataclass(frozen=True)
class Batch:
    """Photographs that were scored, such as those of a day."""

    name: str
    rows: pd.DataFrame  # a row an image with COLUMNS; a column that the source lacks is missing throughout
    source: str  # how the model is named that scored them: a models:/ URI or a folder; empty where it is unknown
    digest: str  # sha256 of its graph and metadata; empty where it is unknown


def read_batches(path: Path) -> list[Batch]:
    """Read an output of ``fakefaces score``, one of its files, or a server's log, of which each day (UTC) is a batch.

    Raises:
        DataError: there is no such thing, it is damaged or not finished, or holds no scores.
    """
    if path.suffix in _LOGS and path.is_file():
        return _read_log(path)
    if not path.exists():
        raise DataError(f"{shown(path)}: there is no such folder or file; score photographs with: fakefaces score")
    if path.is_dir() and (path / "_inputs").is_dir() and not (path / "_manifest.json").is_file():
        raise DataError(f"{shown(path)}: not finished; run the same fakefaces score again")
    files = sorted(path.glob("part-*.parquet")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{shown(path)}: no part-*.parquet in it; name an output of fakefaces score")
    parts, model = [], dict[str, Any]()
    for file in files:
        rows, model = _read_parquet(file)
        parts.append(rows)
    table = pd.concat(parts, ignore_index=True)
    name = path.name if path.is_dir() else path.stem
    return [Batch(name, _checked(table, path), str(model.get("source", "")), str(model.get("digest", "")))]


def _read_parquet(file: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The columns that are known, and the identity of the model."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(file)
        names = [name for name in COLUMNS if name in opened.schema_arrow.names]
        metadata = json.loads((opened.schema_arrow.metadata or {}).get(b"fakefaces", b"{}"))
        rows = opened.read(columns=names).to_pandas()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{shown(file)}: cannot be read as Parquet ({' '.join(str(error).split())[:200]})") from None
    model = metadata.get("model") if isinstance(metadata, dict) else None
    return rows, model if isinstance(model, dict) else {}


def _read_log(path: Path) -> list[Batch]:
    days: dict[str, list[dict[str, Any]]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                for day, row in _scores(line):
                    days[day].append(row)
    except OSError as error:
        raise DataError(f"{shown(path)}: cannot be read ({error.strerror or error})") from None
    if not days:
        raise DataError(f"{shown(path)}: no line of it is a request with scores; name the server's log, or Parquet")
    return [
        Batch(f"{path.stem} {day}", _checked(pd.DataFrame(rows), path), source="", digest="")
        for day, rows in sorted(days.items())
    ]


def _scores(line: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The day and the values by column of each score in a line of the server's log; none of any other line."""
    if len(line) > _LINE or not line.lstrip().startswith("{"):
        return
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):  # a line that a killed server left
        return
    scores = record.get("scores")
    for score in scores if isinstance(scores, list) else []:
        if isinstance(score, dict) and ("p_fake" in score or "problem" in score):
            values = {"model_version": record.get("model_version")} | score
            yield str(record.get("at", ""))[:10], {name: values.get(name) for name in COLUMNS}


def _checked(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """All columns, with their types; a DataError for scores that are none."""
    if "p_fake" not in table or "problem" not in table:
        raise DataError(f"{shown(path)}: no column p_fake or problem; name an output of fakefaces score")
    if table.empty:
        raise DataError(f"{shown(path)}: no image in it")
    table = table.reindex(columns=list(COLUMNS))
    try:
        for name in _NUMBERS:
            table[name] = pd.to_numeric(table[name]).astype("float64")
    except (TypeError, ValueError):
        raise DataError(f"{shown(path)}: {name}: a value that is no number") from None
    scores = table["p_fake"].to_numpy()
    if not ((scores >= 0) & (scores <= 1) | np.isnan(scores)).all():
        raise DataError(f"{shown(path)}: p_fake: a value that is not between 0 and 1")
    if (table["p_fake"].isna() & table["problem"].isna()).any():
        raise DataError(f"{shown(path)}: an image with neither a score nor a problem")
    return table
