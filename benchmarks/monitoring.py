"""False alarms of ``fakefaces watch`` in ten quiet weeks, and its alarms on three changes, on a finished project.

    uv run python benchmarks/monitoring.py [PROJECT]

One half of the held-out photographs is the reference, and the batches of quiet days are drawn from the other half, with
replacement. The changed days are photographs of that half, scored anew: all encoded again at quality 80; every second
from a camera of smaller pictures, which names itself; and its reals beside fakes of another kind, which are reals of
the first half whose left half is mirrored.
"""

import io
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from fakefaces.base.paths import Layout
from fakefaces.base.progress import track
from fakefaces.inference.detector import Detector, load
from fakefaces.inference.file_facts import file_facts
from fakefaces.monitoring.batches import COLUMNS, Batch
from fakefaces.monitoring.reference import Reference, project_reference
from fakefaces.monitoring.watch import Check, Rule, compare

DAY = 100  # photographs
DAYS = 70


def encoded(pixels: NDArray[np.uint8], quality: int, program: str = "") -> bytes:
    buffer, exif = io.BytesIO(), Image.Exif()
    if program:
        exif[0x0131] = program
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=2, exif=exif)
    return buffer.getvalue()


def pixels_of(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def other_encoder(path: Path) -> bytes:
    return encoded(pixels_of(path), 80)


def other_cameras(k: int, path: Path) -> bytes:
    if k % 2:
        return path.read_bytes()
    with Image.open(path) as image:
        smaller = image.convert("RGB").resize((image.width * 3 // 4, image.height * 3 // 4))
    return encoded(np.asarray(smaller), 95, "Camera 2")


def reals(paths: list[Path]) -> list[Path]:
    return [path for path in paths if "real" in path.parent.name]


def mirrored(path: Path) -> bytes:
    """A fake whose file was encoded as the real's was."""
    pixels, buffer = pixels_of(path).copy(), io.BytesIO()
    half = pixels.shape[1] // 2
    pixels[:, :half] = pixels[:, ::-1][:, :half]
    with Image.open(path) as image:
        tables = image.quantization  # type: ignore[attr-defined] # of a JPEG
    Image.fromarray(pixels).save(buffer, "JPEG", qtables=tables, subsampling=2)
    return buffer.getvalue()


def scored(detector: Detector, name: str, files: list[bytes]) -> pd.DataFrame:
    rows = []
    for data in track(files, name, len(files)):
        score = detector.score(name, partial(bytes, data))
        rows.append(score.row() | file_facts(data).model_dump())
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS))


def alarms(checks: list[Check]) -> list[str]:
    return [f"{c.observable.name} (effect {c.effect:.2f}, p {c.p_value:.0e})" for c in checks if c.alarm]


def main(root: Path) -> None:
    layout, rng = Layout(root), np.random.default_rng(1)
    folder = layout.model("forensic")
    whole = project_reference(layout, folder)
    held_out = whole.rows[whole.unseen]
    order = held_out.index[rng.permutation(len(held_out))]
    pool, kept = order[: len(order) // 2], order[len(order) // 2 :]
    rows = whole.rows.loc[kept]
    half: Reference = replace(whole, rows=rows, unseen=pd.Series(True, rows.index))
    rule, counts = Rule(seed=1), Counter[str]()
    smallest = 1.0
    for _ in track(range(DAYS), "quiet days", DAYS):
        day = whole.rows.loc[rng.choice(pool, DAY)].reset_index(drop=True)
        checks = compare(Batch("day", day, "", ""), half, rule)
        counts["alarms"] += bool(alarms(checks))
        counts["uncorrected"] += any(c.p_value is not None and c.p_value <= 0.05 for c in checks)
        smallest = min([smallest, *(c.p_value for c in checks if c.p_value is not None)])
    quiet = f"{counts['alarms']} with an alarm; {counts['uncorrected']} at 0.05 a day"
    print(f"{DAYS} quiet days of {DAY}: {quiet}", flush=True)
    print(f"smallest p {smallest:.1e}; an alarm takes {rule.level:.1e}", flush=True)
    detector = load(folder)
    photographs, others = ([root / "data" / name for name in whole.rows.loc[k, "path"]] for k in (pool, kept))
    days = {
        "another encoder": [other_encoder(path) for path in photographs],
        "other cameras": [other_cameras(k, path) for k, path in enumerate(photographs)],
        "another kind of fake": [path.read_bytes() for path in reals(photographs)]
        + [mirrored(path) for path in reals(others)],
    }
    for name, files in days.items():
        day = scored(detector, name, files)
        found = alarms(compare(Batch(name, day, "", ""), half, rule))
        print(f"{name}, {len(day)} photographs: {', '.join(found) or 'no alarm'}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
