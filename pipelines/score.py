"""Score the validation and test images with each saved detector, from their files, as serving does, and distorted."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import fakefaces
from fakefaces.base.files import read_json, write_text
from fakefaces.base.params import Params
from fakefaces.base.paths import Layout
from fakefaces.base.progress import progress, say, track
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import read_split, rounds
from fakefaces.inference import detector
from fakefaces.inference.predict import p_fakes, score_files
from fakefaces.inference.score_cache import Made, content
from fakefaces.models import runtime

# What a score depends on besides the detector and the images: this stage's deps in dvc.yaml, as a test sees to.
CODE = ("__init__.py", "base", "card.py", "data", "detector.py", "forensics", "images.py", "runtime.py", "scoring.py",
        "views")  # fmt: skip


def main(params: Params, layout: Layout) -> None:
    package = Path(fakefaces.__file__).parent
    common = content(
        [layout.images, layout.distorted, Path(__file__), *(package / name for name in CODE)],
        {"seed": params.seed, "threads": params.threads},
    )
    made, names = Made(layout.scored), list(params.train.models)
    for name in names:
        outputs = [layout.scores(name), layout.shifted(name)]
        of = content([layout.model(name)], common)
        if made.holds(name, of, outputs):
            say(f"{name}: scored before, and nothing has changed since")
            continue
        runtime.start(params.seed, params.threads)
        for path, table in zip(outputs, scored(params, layout, name), strict=True):
            write_text(path, table.to_csv(index=False, float_format="%.8f"))
        made.note(name, of, outputs)
    made.keep(names)
    for folder in {layout.scores("any").parent, layout.shifted("any").parent}:
        for path in folder.glob("*.csv"):
            if path.stem not in names:  # of a model that params.yaml no longer lists
                path.unlink()


def scored(params: Params, layout: Layout, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One model's scores of the images as they are and distorted, each by the network of its round."""
    table = read_split(layout.images)
    splits = rounds(table)
    index = read_json(layout.distorted / "index.json")
    scores, shifted = [], []
    for number, split in enumerate(splits):
        loaded = detector.load(layout.detector(name, number, len(splits)))
        seen = table.assign(split=split)[split != "train"]
        paths = [layout.data / image for image in seen["image"]]
        found = list(track(score_files(loaded, paths, threads=params.threads), f"scoring {name}", len(paths)))
        parts = pd.DataFrame([one.parts or {} for one in found], index=seen.index)
        scores.append(seen[["image", "split"]].assign(p_fake=p_fakes(found)).join(parts))
        shifted.append(score_distorted(loaded, layout, index, set(seen.loc[split == "test", "image"])))
        del loaded
        runtime.forget()
    return pd.concat(scores), pd.concat(shifted)


def score_distorted(loaded: detector.Detector, layout: Layout, index: dict[str, Any], tested: set[str]) -> pd.DataFrame:
    """Scores, at every level, of the images that this detector may judge."""
    rows = [k for k, image in enumerate(index["images"]) if image in tested]
    names = [index["images"][k] for k in rows]
    card = loaded.card
    kept = layout.distorted_views(card.reads, card.image_size, card.crop)
    views = np.load(kept, mmap_mode="r", allow_pickle=False)
    tables = []
    with progress(f"{loaded.card.model} on distorted images", len(index["levels"])) as step:
        for (transform, level), changed in zip(index["levels"], views, strict=True):
            found = {"transform": transform, "level": level, "image": names}
            tables.append(pd.DataFrame(found | {"p_fake": loaded.p_fake(np.asarray(changed[rows]))}))
            step(1, "")
    return pd.concat(tables)


if __name__ == "__main__":
    run_stage(main)
