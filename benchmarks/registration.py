"""Quality of the ground truth masks that registration with the source photograph gives, on the drawn sample.

    uv run python benchmarks/registration.py

It compares the difference mask with the drawn mask and prints by difficulty: the number of fakes with a plausible
difference, and the medians of its precision (share within the drawn mask) and recall (share of the drawn mask).
"""

from pathlib import Path

import pandas as pd

from fakefaces.data.photographs import list_photographs
from fakefaces.explain.ground_truth import ground_truth_masks

SAMPLE = Path("samples")


def main() -> None:
    manifest = pd.read_csv(SAMPLE / "manifest.csv", dtype="str", keep_default_na=False)
    reals = manifest[(manifest["label"] == "real") & (manifest["decoy"] == "")].drop_duplicates("base")
    source = manifest["base"].map(reals.set_index("base")["image"])
    table = list_photographs(SAMPLE).merge(manifest.assign(source=source)[["image", "source"]], on="image")
    fakes = table[(table["label"] == 1) & table["source"].notna()]
    drawn = ground_truth_masks(SAMPLE, fakes, min_inliers=20, seed=1, threads=2)
    registered = ground_truth_masks(SAMPLE, fakes, masks=False, min_inliers=20, seed=1, threads=2)
    rows = []
    for image, difficulty in fakes[["image", "difficulty"]].itertuples(index=False):
        plausible = image in registered and registered[image].origin == "source"
        row = {"difficulty": difficulty, "fakes": 1, "plausible": int(plausible)}
        if plausible:
            both = (registered[image].mask & drawn[image].mask).sum()
            row |= {"precision": both / registered[image].mask.sum(), "recall": both / drawn[image].mask.sum()}
        rows.append(row)
    by_difficulty = pd.DataFrame(rows).groupby("difficulty", sort=False)
    columns = {"fakes": "sum", "plausible": "sum", "precision": "median", "recall": "median"}
    print(by_difficulty.agg(columns).round(2).to_string())


if __name__ == "__main__":
    main()
