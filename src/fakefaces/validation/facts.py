"""Image facts: one row a file, with everything that can be known without looking at the face."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from fakefaces import images
from fakefaces.base.errors import ImageError
from fakefaces.base.progress import track

COLUMNS = (
    "image", "readable", "problem", "format", "mode", "width", "height", "bytes",
    "program", "orientation", "quantization", "sha256",
)  # fmt: skip


def image_facts(root: Path, names: list[str], *, threads: int) -> pd.DataFrame:
    """Read and decode every file once and note what it is.

    Args:
        root: the data folder.
        names: paths below it.
        threads: files worked on at a time.

    Returns:
        A row a name, in the order given: ``readable`` (decodes whole) with ``problem`` saying why not,
        ``format``, ``mode``, ``width`` and ``height`` (pixels; missing where the header cannot be read),
        ``bytes``, ``program`` (EXIF), ``orientation`` (EXIF, 1 to 8), ``quantization`` (of the JPEG luma
        table) and ``sha256`` of the bytes.
    """
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda name: _facts(root, name), names)
        rows = list(track(found, "reading images", len(names)))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(dict.fromkeys(("width", "height", "orientation", "bytes"), "Int64"))


def _facts(root: Path, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"image": name, "readable": False, "problem": ""}
    row |= dict.fromkeys(("format", "mode", "program", "quantization", "sha256"), "")
    try:
        data = images.read(root / name)
        row |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        row |= vars(images.header(data, name))
        images.decode(data, name)
        row["readable"] = True
    except ImageError as error:
        row["problem"] = str(error).removeprefix(f"{name}: ").removeprefix(f"{root / name}: ")
    return row
