"""How much of what was replaced the registration of a fake with its source photograph finds, on the drawn sample.

    uv run python benchmarks/registration.py

It compares the mask that the difference gives with the drawn one, and prints by difficulty: how many fakes gave a
believable difference, the median share of it within the drawn mask, and the median share of that which it covers.
"""

from pathlib import Path

import pandas as pd

from fakefaces.data.faces import find_faces
from fakefaces.explain.truth import truths

SAMPLE = Path("samples")


def main() -> None:
    manifest = pd.read_csv(SAMPLE / "manifest.csv", dtype="str", keep_default_na=False)
    reals = manifest[(manifest["label"] == "real") & (manifest["decoy"] == "")].drop_duplicates("base")
    source = manifest["base"].map(reals.set_index("base")["image"])
    table = find_faces(SAMPLE).merge(manifest.assign(source=source)[["image", "source"]], on="image")
    fakes = table[(table["label"] == 1) & table["source"].notna()]
    drawn = truths(SAMPLE, fakes, min_inliers=20, seed=1, threads=2)
    found = truths(SAMPLE, fakes, masks=False, min_inliers=20, seed=1, threads=2)
    rows = []
    for image, difficulty in fakes[["image", "difficulty"]].itertuples(index=False):
        believed = image in found and found[image].origin == "source"
        row = {"difficulty": difficulty, "fakes": 1, "believed": int(believed)}
        if believed:
            both = (found[image].mask & drawn[image].mask).sum()
            row |= {"within": both / found[image].mask.sum(), "covered": both / drawn[image].mask.sum()}
        rows.append(row)
    shown = pd.DataFrame(rows).groupby("difficulty", sort=False)
    columns = {"fakes": "sum", "believed": "sum", "within": "median", "covered": "median"}
    print(shown.agg(columns).round(2).to_string())


if __name__ == "__main__":
    main()
