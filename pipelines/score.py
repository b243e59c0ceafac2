"""Score the validation and test images with a saved detector, from their files, as serving does, and distorted."""

import numpy as np
import pandas as pd

from fakefaces import detector, runtime
from fakefaces.base.files import read_json, write_text
from fakefaces.base.layout import Layout
from fakefaces.base.params import Params
from fakefaces.base.progress import progress, track
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import read_split, rounds
from fakefaces.scoring import p_fakes, score_files


def main(params: Params, layout: Layout, name: str) -> None:
    table = read_split(layout.images)
    splits = rounds(table)
    index = read_json(layout.distorted / "index.json")
    runtime.start(params.seed, params.threads)
    scores, shifted = [], []
    for number, split in enumerate(splits):
        loaded = detector.load(layout.detector(name, number, len(splits)))
        seen = table.assign(split=split)[split != "train"]
        paths = [layout.data / image for image in seen["image"]]
        found = list(track(score_files(loaded, paths, threads=params.threads), f"scoring {name}", len(paths)))
        parts = pd.DataFrame([one.parts or {} for one in found], index=seen.index)
        scores.append(seen[["image", "split"]].assign(p_fake=p_fakes(found)).join(parts))
        shifted.append(score_distorted(loaded, layout, index, set(seen.loc[split == "test", "image"])))
    write_text(layout.scores(name), pd.concat(scores).to_csv(index=False, float_format="%.8f"))
    write_text(layout.shifted(name), pd.concat(shifted).to_csv(index=False, float_format="%.8f"))


def score_distorted(loaded: detector.Detector, layout: Layout, index: dict, tested: set[str]) -> pd.DataFrame:
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
