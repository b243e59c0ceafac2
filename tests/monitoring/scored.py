"""Scored photographs of a camera and a detector that are drawn from distributions, for tests of monitoring."""

from typing import Any

import numpy as np
import pandas as pd

from fakefaces.monitoring.batches import COLUMNS, Batch
from fakefaces.monitoring.reference import Reference
from fakefaces.params.validate import Validate

BOUNDS = Validate(
    formats=["JPEG", "PNG"], min_side=64, max_side=20000, max_bytes=10**8, min_class_share=0.2, min_readable_share=1
)
TABLES = ("aaaa0001:3,2,2,3", "aaaa0002:6,4,4,6", "aaaa0003:2,1,1,2")
PROGRAMS = ("", "Editor", "Phone 7.1")


def scored(n: int, seed: int, **changes: Any) -> pd.DataFrame:
    """Rows of n photographs, half of them fakes, from three cameras; ``changes`` replace columns."""
    rng = np.random.default_rng(seed)
    fake = rng.random(n) < 0.5
    p_fake = np.where(fake, rng.beta(5, 1.2, n), rng.beta(1.2, 5, n))
    camera = rng.choice(3, n, p=(0.6, 0.3, 0.1))
    side = np.array([400, 600, 1000])[camera]
    parts = rng.random((n, 4))
    rows = pd.DataFrame(
        {
            "path": [f"{seed}/{k}.jpg" for k in range(n)],
            "p_fake": p_fake,
            "label": np.where(p_fake >= 0.5, "fake", "real"),
            "unsure": (p_fake > 0.4) & (p_fake < 0.6),
            "faces": 1.0,
            "problem": np.where(rng.random(n) < 0.02, "no_face", None),
            "unfamiliar": rng.random(n) < 0.05,
            "sha256": [f"{seed:032x}{k:032x}" for k in range(n)],
            "bytes": (side**2 * rng.uniform(0.2, 0.4, n)).round(),
            "format": "JPEG",
            "mode": "RGB",
            "width": side * 1.0,
            "height": side * 0.75,
            "program": np.array(PROGRAMS)[camera],
            "orientation": 1.0,
            "quantization": np.array(TABLES)[camera],
            "subsampling": "4:2:0",
            "unfamiliarity": rng.beta(1, 6, n),
            **{f"p_{part}": parts[:, k] for k, part in enumerate(("left_eye", "right_eye", "nose", "mouth"))},
        }
    )
    for name, values in changes.items():
        rows[name] = values
    rows["unsure"] = rows["unsure"].astype(object)
    unscored = rows["problem"].notna()
    rows.loc[unscored, [c for c in rows if c.startswith("p_")]] = np.nan
    rows.loc[unscored, ["label", "unsure"]] = None
    return rows.reindex(columns=list(COLUMNS))


def batch(n: int, seed: int, **changes: Any) -> Batch:
    return Batch(f"day {seed}", scored(n, seed, **changes), "models:/m/1", "0" * 64)


def reference(n: int = 400, seed: int = 12345) -> Reference:
    rows, training = scored(n, seed), scored(n, seed + 1)
    rng = np.random.default_rng(seed)
    return Reference("reference", rows, pd.Series(True, rows.index), training.assign(label=rng.integers(0, 2, n)))
