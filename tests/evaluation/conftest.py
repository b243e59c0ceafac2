from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from fakefaces.evaluation.predictions import TestPredictions

Faces = Callable[..., pd.DataFrame]


def _faces(
    n_reals: int = 60, n_fakes: int = 60, *, signal: float = 1.2, decimals: int = 3, seed: int = 0
) -> pd.DataFrame:
    """Reals and fakes made from them, two to four to a source, scored by a model."""
    random = np.random.default_rng(seed)
    n = n_reals + n_fakes
    label = np.repeat([0, 1], [n_reals, n_fakes])
    source = np.r_[np.arange(n_reals), random.integers(0, max(1, n_reals // 2), n_fakes)]
    person = random.normal(size=n_reals + 1)[source]  # a photograph's own effect is shared by its fakes
    logit = person + random.normal(size=n) + signal * label
    parts = random.integers(0, 2, (n, 4)) * label[:, None]
    parts[np.arange(n), random.integers(0, 4, n)] |= label
    table = pd.DataFrame(
        {
            "image": [f"{'fake' if fake else 'real'}/{i}.jpg" for i, fake in enumerate(label)],
            "label": label,
            "p_fake": (1 / (1 + np.exp(-logit))).round(decimals),
            "group": [f"photo{i}" for i in source],
            "difficulty": np.where(label == 1, random.choice(["easy", "mid", "hard"], n), ""),
            "encoding": random.choice(["q92", "q92", "q85"], n),
            "source": [f"real/{i}.jpg" if fake else "" for i, fake in zip(source, label, strict=True)],
        }
    )
    names = ["left_eye", "right_eye", "nose", "mouth"]
    return table.join(pd.DataFrame(parts, columns=names).astype("Int64")).sample(frac=1, random_state=seed)


@pytest.fixture
def faces() -> Faces:
    return _faces


@pytest.fixture
def images() -> TestPredictions:
    table = _faces(200, 200)
    return TestPredictions.from_arrays(table["label"], table["p_fake"], table["group"])
