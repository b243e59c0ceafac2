"""Score the validation and test images with each saved detector, from their files, as serving does, and corrupted."""

from typing import Any

import numpy as np
import pandas as pd

from fakefaces.base.digests import digest_of
from fakefaces.base.files import read_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress, track
from fakefaces.base.schema import Count, StageParams
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.inference.detector import Detector, load
from fakefaces.inference.predict import p_fakes, score_files
from fakefaces.inference.score_cache import ScoreCache
from fakefaces.params.train import Train


class Params(StageParams):
    """What this stage reads of params.yaml."""

    threads: Count
    train: Train


def main(params: Params, layout: Layout) -> None:
    common = digest_of(
        [layout.images, layout.corrupted, *layout.code("score")], {"seed": params.seed, "threads": params.threads}
    )
    cache, names = ScoreCache(layout.score_cache), list(params.train.models)
    for name in names:
        outputs = [layout.scores(name), layout.corrupted_scores(name)]
        inputs = digest_of([layout.model(name)], common)
        if cache.is_current(name, inputs, outputs):
            echo(f"{name}: scored before, and nothing has changed since")
            continue
        for path, table in zip(outputs, score_model(params, layout, name), strict=True):
            write_text(path, table.to_csv(index=False, float_format="%.8f"))
        cache.record(name, inputs, outputs)
    cache.remove_all_but(names)
    for folder in {layout.scores("any").parent, layout.corrupted_scores("any").parent}:
        for path in folder.glob("*.csv"):
            if path.stem not in names:  # of a model that params.yaml no longer lists
                path.unlink()


def score_model(params: Params, layout: Layout, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One model's scores of the validation and test images, and of corrupted test images; by fold the fold's network.

    The first table has ``image``, ``split``, ``p_fake``, the parts, and ``unfamiliar`` (1 or 0) and ``unfamiliarity``
    where they are known, and ``p_fake_seed1`` and so on by further seeds; the second ``transform``, ``level``,
    ``image`` and ``p_fake``.
    """
    index = read_json(layout.corrupted / "index.json")
    scores, corrupted_scores = [], []
    for split in cv_splits(read_split(layout.images)):
        detector = load(layout.detector(name, split.fold, split.n_splits)).of_labelled()
        scored = split.unseen
        paths = [layout.data / image for image in scored["image"]]
        results = list(track(score_files(detector, paths, threads=params.threads), f"scoring {name}", len(paths)))
        parts = pd.DataFrame([result.parts or {} for result in results], index=scored.index)
        table = scored[["image", "split"]].assign(p_fake=p_fakes(results)).join(parts)
        if detector.metadata.familiar:
            table["unfamiliar"] = [int(result.unfamiliar is True) for result in results]
            table["unfamiliarity"] = [result.unfamiliarity for result in results]
        for seed, column in enumerate(params.train.models[name].seed_columns, start=1):
            another = load(layout.detector(name, split.fold, split.n_splits, seed)).of_labelled()
            again = track(score_files(another, paths, threads=params.threads), f"{name}, seed {seed}", len(paths))
            table[column] = p_fakes(list(again))
        scores.append(table)
        corrupted_scores.append(score_corrupted(detector, layout, index, set(split.test["image"]), params.threads))
    return pd.concat(scores), pd.concat(corrupted_scores)


def score_corrupted(
    detector: Detector, layout: Layout, index: dict[str, Any], test_images: set[str], threads: int
) -> pd.DataFrame:
    """Scores of the corrupted images whose originals are test images of this detector, at every level."""
    rows = [k for k, image in enumerate(index["images"]) if image in test_images]
    names = [index["images"][k] for k in rows]
    features = np.load(layout.corrupted / detector.metadata.spec.file_name, mmap_mode="r", allow_pickle=False)
    tables = []
    with progress(f"{detector.metadata.model} on corrupted images", len(index["levels"])) as step:
        for (transform, level), at_level in zip(index["levels"], features, strict=True):
            p_fake = detector.p_fake(np.asarray(at_level[rows]), threads=threads)
            tables.append(pd.DataFrame({"transform": transform, "level": level, "image": names, "p_fake": p_fake}))
            step(1, "")
    return pd.concat(tables)


if __name__ == "__main__":
    run_stage(main, Params)
