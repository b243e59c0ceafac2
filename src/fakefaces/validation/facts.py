"""Image facts: a row for each file with its header, size, checksum and coarse appearance."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.errors import ImageError
from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.validation.shortcut_features import N_FEATURES, Appearance, appearance

COLUMNS = (
    "image", "readable", "problem", "format", "mode", "width", "height", "bytes",
    "program", "orientation", "quantization", "subsampling", "sha256",
)  # fmt: skip


def image_facts(root: Path, names: list[str], *, threads: int) -> tuple[pd.DataFrame, Appearance]:
    """Read and decode every file once.

    Args:
        root: the data folder.
        names: paths below it.
        threads: files processed at a time.

    Returns:
        A table and the appearances, a row for each name in the order given. Columns of the table: ``readable``
        (decodes completely), ``problem`` (why not), ``format``, ``mode``, ``width`` and ``height`` (pixels;
        missing where the header cannot be read), ``bytes``, ``program`` (EXIF), ``orientation`` (EXIF, 1 to 8),
        ``quantization`` (of the JPEG luma table), ``subsampling`` (of the JPEG's chroma) and ``sha256`` of the
        bytes.
    """
    with ThreadPoolExecutor(threads) as pool:
        results = list(track(pool.map(lambda name: _facts(root, name), names), "reading images", len(names)))
    table = pd.DataFrame([row for row, _ in results], columns=list(COLUMNS))
    table = table.astype(dict.fromkeys(("width", "height", "orientation", "bytes"), "Int64"))
    return table, Appearance.from_rows([values for _, values in results])


def _facts(root: Path, name: str) -> tuple[dict[str, Any], NDArray[np.float32]]:
    row: dict[str, Any] = {"image": name, "readable": False, "problem": ""}
    row |= dict.fromkeys(("format", "mode", "program", "quantization", "subsampling", "sha256"), "")
    try:
        data = images.read(root / name)
        row |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        row |= vars(images.header(data, name))
        values = appearance(images.decode(data, name))
    except ImageError as error:
        row["problem"] = str(error).removeprefix(f"{name}: ").removeprefix(f"{root / name}: ")
        return row, np.full(N_FEATURES, np.nan, dtype=np.float32)
    row["readable"] = True
    return row, values
