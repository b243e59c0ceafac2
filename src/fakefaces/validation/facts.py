"""Image facts: a row for each file with its header, size, checksum and faces, and its appearance without any detail.

The appearance is a small grey thumbnail, and mean and spread of the colours. Neither can show a forgery: a detector
that learns from them learns how the two classes were framed or lit.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.errors import ImageError
from fakefaces.data import images
from fakefaces.data.computed import Computed, Values
from fakefaces.data.contents import content_digests
from fakefaces.faces.find import find_faces

SIDE = 16  # pixels of the thumbnail
N_FEATURES = SIDE * SIDE + 6

COLUMNS = (
    "image", "readable", "problem", "format", "mode", "width", "height", "bytes",
    "program", "orientation", "quantization", "subsampling", "sha256", "damage", "faces",
)  # fmt: skip


def image_facts(
    root: Path, names: list[str], *, threads: int, computed: Computed | None = None
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Read and decode every file once.

    Args:
        root: the data folder.
        names: paths below it.
        threads: files processed at a time.
        computed: what is known of files of earlier runs.

    Returns:
        A table and the appearances, a row for each name in the order given.

        - Columns of the table: ``readable`` (decodes completely), ``problem`` (why not), ``format``, ``mode``,
          ``width`` and ``height`` (pixels; missing where the header cannot be read), ``bytes``, ``program`` (EXIF),
          ``orientation`` (EXIF, 1 to 8), ``quantization`` (of the JPEG luma table), ``subsampling`` (of the JPEG's
          chroma), ``sha256`` of the bytes, ``damage`` (what is wrong with the metadata, which then count as none) and
          ``faces`` (their number; missing where a file is unreadable).
        - Appearance: float32 (n, 262), 0 to 1: grey of 16 x 16 areas row by row, means of red, green and blue, and
          their standard deviations; NaN where a file is unreadable.
    """
    contents = content_digests(root, names)
    readable = {name: digest for name, digest in contents.items() if digest}
    results = (computed or Computed()).each(root, readable, _facts, threads=threads, description="reading images")
    known = {name: (json.loads(str(row)), values) for name, (row, values) in zip(readable, results, strict=True)}
    rows = [known.get(name) or _unreadable(root, name) for name in names]
    table = pd.DataFrame([row | {"image": name} for name, (row, _) in zip(names, rows, strict=True)])
    table = table.reindex(columns=list(COLUMNS))
    table = table.astype(dict.fromkeys(("width", "height", "orientation", "bytes", "faces"), "Int64"))
    return table, np.asarray([values for _, values in rows], dtype=np.float32).reshape(-1, N_FEATURES)


def _facts(data: bytes, name: str) -> Values:
    """The row of a file as JSON, and its appearance, which depend on its bytes alone."""
    row = _empty_row() | {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    values = np.full(N_FEATURES, np.nan, dtype=np.float32)
    try:
        row |= vars(images.header(data, "image"))
        with images.decoded(data, "image") as pixels:
            images.require_content(pixels, "image", min_side=1)
            values = _appearance(pixels)
            row["faces"] = len(find_faces(pixels))
        row["readable"] = True
    except ImageError as error:
        row["problem"] = str(error).removeprefix("image: ")
        values = np.full(N_FEATURES, np.nan, dtype=np.float32)
    return np.array(json.dumps(row)), values


def _unreadable(root: Path, name: str) -> tuple[dict[str, Any], NDArray[np.float32]]:
    try:
        images.read(root / name)
        problem = "cannot be read (it changes)"
    except ImageError as error:
        problem = str(error).removeprefix(f"{root / name}: ")
    return _empty_row() | {"problem": problem}, np.full(N_FEATURES, np.nan, dtype=np.float32)


def _empty_row() -> dict[str, Any]:
    texts = ("problem", "format", "mode", "program", "quantization", "subsampling", "sha256", "damage")
    return {"readable": False} | dict.fromkeys(texts, "")


def _appearance(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    # Averaged as floats: rounding each area to a whole grey level would add noise.
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    thumbnail = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    mean, deviation = cv2.meanStdDev(pixels)
    return (np.concatenate([thumbnail.ravel(), mean.ravel(), deviation.ravel()]) / 255).astype(np.float32)
