"""Score the validation and test images with each saved detector, from their files, as serving does, and corrupted."""

from typing import Any

import numpy as np
import pandas as pd

from fakefaces.base.files import read_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress, track
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.inference import detector
from fakefaces.inference.predict import p_fakes, score_files
from fakefaces.inference.score_cache import Made, content
from fakefaces.models import runtime
from fakefaces.params.train import Train


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    train: Train


def main(params: Params, layout: Layout) -> None:
    common = content(
        [layout.images, layout.corrupted, *layout.code("score")], {"seed": params.seed, "threads": params.threads}
    )
    made, names = Made(layout.score_cache), list(params.train.models)
    for name in names:
        outputs = [layout.scores(name), layout.corrupted_scores(name)]
        of = content([layout.model(name)], common)
        if made.holds(name, of, outputs):
            echo(f"{name}: scored before, and nothing has changed since")
            continue
        runtime.start(params.seed, params.threads)
        for path, table in zip(outputs, scored(params, layout, name), strict=True):
            write_text(path, table.to_csv(index=False, float_format="%.8f"))
        made.note(name, of, outputs)
    made.keep(names)
    for folder in {layout.scores("any").parent, layout.corrupted_scores("any").parent}:
        for path in folder.glob("*.csv"):
            if path.stem not in names:  # of a model that params.yaml no longer lists
                path.unlink()


def scored(params: Params, layout: Layout, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One model's scores of the images as they are and corrupted, each by the network of its round."""
    table = read_split(layout.images)
    splits = cv_splits(table)
    index = read_json(layout.corrupted / "index.json")
    scores, corrupted_scores = [], []
    for split in splits:
        loaded = detector.load(layout.detector(name, split.fold, split.n_splits))
        seen = split.unseen
        paths = [layout.data / image for image in seen["image"]]
        found = list(track(score_files(loaded, paths, threads=params.threads), f"scoring {name}", len(paths)))
        parts = pd.DataFrame([one.parts or {} for one in found], index=seen.index)
        scores.append(seen[["image", "split"]].assign(p_fake=p_fakes(found)).join(parts))
        corrupted_scores.append(score_corrupted(loaded, layout, index, set(split.test["image"])))
        del loaded
        runtime.forget()
    return pd.concat(scores), pd.concat(corrupted_scores)


def score_corrupted(loaded: detector.Detector, layout: Layout, index: dict[str, Any], tested: set[str]) -> pd.DataFrame:
    """Scores, at every level, of the images that this detector may judge."""
    rows = [k for k, image in enumerate(index["images"]) if image in tested]
    names = [index["images"][k] for k in rows]
    metadata = loaded.metadata
    kept = layout.corrupted_features(metadata.extractor, metadata.image_size, metadata.crop)
    views = np.load(kept, mmap_mode="r", allow_pickle=False)
    tables = []
    with progress(f"{loaded.metadata.model} on corrupted images", len(index["levels"])) as step:
        for (transform, level), changed in zip(index["levels"], views, strict=True):
            found = {"transform": transform, "level": level, "image": names}
            tables.append(pd.DataFrame(found | {"p_fake": loaded.p_fake(np.asarray(changed[rows]))}))
            step(1, "")
    return pd.concat(tables)


if __name__ == "__main__":
    run_stage(main, Params)
