"""Which residual features detect manipulated faces: one row a hypothesis, by grouped cross-validation, with MLflow.

    uv run python benchmarks/forensic.py FOLDER PAIRS.csv CACHE --weights MOBILENET.weights.h5 [--only NAME ...]

FOLDER holds the photographs, PAIRS.csv is `reports/duplicate_pairs.csv` of a run on them, CACHE is for features.
A tenth of the photographs, in whole groups, is sealed: only `--sealed` reads its labels; it scores them once with the
rows named by `--only`, trained on all others. Each other image is scored by a model that has not seen its group.
`--robust 4` scores a quarter of the images after corruptions, too.
"""

import argparse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.data.arrays import TrainArrays
from fakefaces.data.corruptions import corrupt
from fakefaces.data.faces import PARTS
from fakefaces.data.photographs import list_photographs
from fakefaces.data.splits import assign_folds
from fakefaces.duplicates.groups import group_images
from fakefaces.evaluation.intervals import Resampling
from fakefaces.evaluation.scores import evaluate_scores
from fakefaces.evaluation.source_pairs import match_sources
from fakefaces.features.extract import extract
from fakefaces.features.residual_dataset import Embed, compute_residual_dataset
from fakefaces.features.residuals.descriptor import GROUP_SIZES
from fakefaces.features.spec import FeatureSpec
from fakefaces.graphs.graph import Graph
from fakefaces.models import runtime
from fakefaces.models.backbones import make_backbone
from fakefaces.models.export import export
from fakefaces.models.forensic.ensemble import fit_ensemble
from fakefaces.models.forensic.gate import fit_gate
from fakefaces.models.forensic.selectors import SELECTORS
from fakefaces.models.forensic.settings import Settings
from fakefaces.models.roi_pooling import roi_pooled
from fakefaces.params.prepare import FeatureSet
from fakefaces.tracking.runs import stage_run

SEED = 20
SEALED_SEED = 1126  # of the tenth that is sealed, drawn on 2026-11-27 before anything else
FEATURE_SET = FeatureSet.model_validate({"image_size": 1024, "extractor": "residuals", "crop": 448, "copies": 2})
SPEC = FeatureSpec("residuals", FEATURE_SET.image_size, FEATURE_SET.crop)
CHANGES = {"jpeg 80": ("jpeg", 80.0), "resize 0.75": ("resize", 0.75)}
HAND = ("luma", "chroma", "half chroma", "correlations", "colour cast")
MAPS = {"block 5": 384, "block 8": 768, "block 11": 1152, "block 12": 1152}  # the backbone's, with their features
GROUPS = (*HAND, *MAPS)
ENDS = dict(zip(GROUPS, pairwise(accumulate((*GROUP_SIZES, *MAPS.values()), initial=0)), strict=True))
PARTS_ALONE = tuple(selector.name for selector in SELECTORS if selector.name != "face")


@dataclass(frozen=True)
class Hypothesis:
    """One row: what is read, what is learned from beside the originals, and how.

    Attributes:
        reads: each has regressions of its own, on groups of features joined by ``+``, whose answers are weighed.
        copies: how many corrupted copies of each image are learned from, too.
        settings: of the kind.
        selectors: names of the input selectors.
    """

    reads: tuple[str, ...] = GROUPS
    copies: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    selectors: tuple[str, ...] = tuple(selector.name for selector in SELECTORS)


def tuned(**settings: float) -> Hypothesis:
    return Hypothesis(settings=settings)


ROWS = {
    "luma": Hypothesis(("luma",)),
    "chroma": Hypothesis(("chroma",)),
    "half chroma": Hypothesis(("half chroma",)),
    "chroma+half chroma": Hypothesis(("chroma+half chroma",)),
    "correlations": Hypothesis(("correlations",)),
    **{f"backbone, {name}": Hypothesis((name,)) for name in MAPS},
    "backbone": Hypothesis(tuple(MAPS)),
    "hand-made": Hypothesis(HAND),
    "colour cast": Hypothesis(("colour cast",)),
    "all, joined": Hypothesis(("+".join(GROUPS),)),
    "all": Hypothesis(),
    "all, no whitening": tuned(whitening=0.0),
    "all, full whitening": tuned(whitening=1.0),
    "all, ridge 0.03": tuned(ridge=0.03),
    "all, ridge 0.3": tuned(ridge=0.3),
    "all, width 0.25": tuned(width=0.25),
    "all, width 1": tuned(width=1.0),
    "all + 1 copy": Hypothesis(copies=1),
    "all + 2 copies": Hypothesis(copies=2),
    "all + 2 copies, the face alone": Hypothesis(copies=2, selectors=("face",)),
    "all + 2 copies, the parts alone": Hypothesis(copies=2, selectors=PARTS_ALONE),
    "all + 2 copies, parts beside skin alone": Hypothesis(copies=2, selectors=PARTS_ALONE[3:]),
    "all + 2 copies, 120 components and 600 landmarks": Hypothesis(
        copies=2, settings={"components": 120, "landmarks": 600}
    ),
    "all + 2 copies, 150 components": Hypothesis(copies=2, settings={"components": 150}),
}


@dataclass(frozen=True)
class Measured:
    """Features of images, of their copies, and of a part of the images after each change."""

    arrays: NDArray[np.float32]
    copies: NDArray[np.float32]
    copies_table: pd.DataFrame
    changed: dict[str, tuple[NDArray[np.intp], NDArray[np.float32]]]


def known_faces(folder: Path, pairs: Path) -> pd.DataFrame:
    """The photographs with their groups, sources and folds; the fold of the sealed ones is -1."""
    faces = list_photographs(folder)
    found = pd.read_csv(pairs, dtype={"a": "str", "b": "str"})
    faces["encoding"] = [images.header(images.read(folder / name)).quantization for name in faces["image"]]
    faces["group"] = group_images(list(faces["image"]), found).to_numpy()
    faces["source"] = match_sources(faces, found, min_inliers=100)
    tenth = assign_folds(faces, faces["group"], n_splits=10, seed=SEALED_SEED)
    open_ = faces[tenth != 0]
    faces["fold"] = assign_folds(open_, open_["group"], n_splits=5, seed=SEED).reindex(faces.index, fill_value=-1)
    return faces


def measured(folder: Path, faces: pd.DataFrame, cache: Path, embed: Embed, robust: int) -> Measured:
    """Measure what is not in the cache yet: all images, copies of them, and one in ``robust`` after each change."""
    cache.mkdir(parents=True, exist_ok=True)
    if not (cache / "copies.csv").is_file():
        dataset = compute_residual_dataset(folder, faces, FEATURE_SET, seed=SEED, threads=2, embed=embed)
        np.save(cache / "arrays.npy", dataset.images)
        np.save(cache / "copies.npy", dataset.copies)
        dataset.copies_table.to_csv(cache / "copies.csv", index=False)
    changed = {}
    rows = np.arange(0, len(faces), robust or len(faces))
    for name, level in CHANGES.items() if robust else ():
        path = cache / f"{name} {robust}.npy"
        if not path.is_file():

            def one(row: int, level: tuple[str, float] = level) -> NDArray[Any]:
                pixels = images.decode(images.read(folder / faces["image"].iloc[row]))
                return extract(SPEC, corrupt(pixels, level, quality=95, seed=[SEED, row]))

            features = []
            with ThreadPoolExecutor(2) as pool:
                for chunk in track(chunks(rows), name, -(-len(rows) // 32)):
                    inputs = np.stack(list(pool.map(one, chunk)))
                    features.append(
                        np.concatenate(
                            [inputs["traces"], np.stack([embed(row) for row in inputs[["crop", "boxes"]]])], axis=-1
                        )
                    )
            np.save(path, np.concatenate(features))
        changed[name] = rows, np.load(path)
    table = pd.read_csv(cache / "copies.csv", dtype={"image": "str"})
    return Measured(np.load(cache / "arrays.npy"), np.load(cache / "copies.npy"), table, changed)


def chunks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(rows), 32):
        yield rows[start : start + 32]


def read(name: str, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The columns of some groups, joined by ``+``."""
    columns: NDArray[np.float32] = np.concatenate([features[..., slice(*ENDS[g])] for g in name.split("+")], axis=-1)
    return columns


def learned(row: Hypothesis, faces: pd.DataFrame, found: Measured, train: NDArray[np.bool_]) -> TrainArrays:
    """The originals where ``train`` is true, and their copies."""
    parts = faces[list(PARTS)].fillna(-1).to_numpy(dtype=np.int8)
    names = set(faces.loc[train, "image"])
    table = found.copies_table
    copies = np.flatnonzero(table["image"].isin(names) & (table.groupby("image").cumcount() < row.copies))
    originals = pd.Index(faces.loc[train, "image"]).get_indexer(table["image"].iloc[copies])
    return TrainArrays(
        np.concatenate([found.arrays[train], found.copies[copies]]),
        np.concatenate([faces["label"][train], table["label"].iloc[copies]]).astype(np.float32),
        np.concatenate([parts[train], table[list(PARTS)].iloc[copies].to_numpy(np.int8)]),
        copy_of=originals,
        photographs=pd.factorize(faces.loc[train, "group"], sort=True)[0],
    )


def fitted(row: Hypothesis, train: TrainArrays) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
    """From features to evidence, (n, 5)."""
    settings, selectors = Settings(**row.settings), [s for s in SELECTORS if s.name in row.selectors]
    sizes = [sum(np.ptp(ENDS[group]) for group in name.split("+")) for name in row.reads]
    bounds = list(pairwise(accumulate(map(int, sizes), initial=0)))

    def columns(features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.concatenate([read(name, features) for name in row.reads], axis=-1)

    ensemble = fit_ensemble(settings, replace(train, features=columns(train.features)), bounds, selectors)
    gate = fit_gate(train, [end - start for start, end in ENDS.values()]) if len(train.copy_of) else None

    def evidence(features: NDArray[np.float32]) -> NDArray[np.float64]:
        of_experts = ensemble.predict(columns(features))
        if gate is None:
            return np.asarray(of_experts[0])
        original = gate.predict(features)[:, None]
        return np.asarray(original * of_experts[0] + (1 - original) * of_experts[1])

    return evidence


def scores(row: Hypothesis, faces: pd.DataFrame, found: Measured) -> dict[str, NDArray[np.float64]]:
    """By version of the images the evidence out of fold, (n, 5); NaN where it was not asked."""
    names = ["original", *found.changed]
    out = {name: np.full((len(faces), 5), np.nan) for name in names}
    fold = faces["fold"].to_numpy()
    for k in range(fold.max() + 1):
        evidence = fitted(row, learned(row, faces, found, (fold >= 0) & (fold != k)))
        out["original"][fold == k] = evidence(found.arrays[fold == k])
        for name, (rows, arrays) in found.changed.items():
            here = fold[rows] == k
            out[name][rows[here]] = evidence(arrays[here])
    return out


def calibrated(evidence: NDArray[np.float64], label: NDArray[np.int64], fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probabilities: Platt's sigmoid of each fold, found on the others' scores."""
    from sklearn.linear_model import LogisticRegression

    found = np.full(len(evidence), np.nan)
    for k in range(fold.max() + 1):
        others = (fold >= 0) & (fold != k)
        fitted = LogisticRegression(C=100.0).fit(evidence[others, None], label[others])
        found[fold == k] = fitted.predict_proba(evidence[fold == k, None])[:, 1]
    return found


def judged(faces: pd.DataFrame, evidence: dict[str, NDArray[np.float64]]) -> tuple[dict[str, float], str]:
    """Figures for MLflow, and a row of the log with the 95 % intervals."""
    label, fold = faces["label"].to_numpy(), faces["fold"].to_numpy()
    asked = faces.assign(p_fake=calibrated(evidence["original"][:, 0], label, fold))[fold >= 0]
    test = evaluate_scores(asked, 0.5, Resampling(1000, SEED))
    assert test.matched and test.paired
    estimates = {
        "roc_auc": test.overall.roc_auc,
        "matched_roc_auc": test.matched.roc_auc,
        "paired_win_rate": test.paired.win_rate,
        "accuracy": test.overall.accuracy,
    }
    figures = {name: estimate.value for name, estimate in estimates.items() if estimate.value is not None}
    shown = [f"{estimate}" for estimate in estimates.values()]
    for name in CHANGES:
        if name in evidence:
            known = ~np.isnan(evidence[name][:, 0])
            there, here = (auc(label[known], evidence[version][known, 0]) for version in (name, "original"))
            figures |= {f"{name.replace(' ', '_')}_roc_auc": there, f"{name.replace(' ', '_')}_before": here}
            shown.append(f"{there:.3f} (of {here:.3f})")
        else:
            shown.append("–")
    parts = []
    for column, name in enumerate(PARTS, start=1):
        known = (fold >= 0) & faces[name].notna().to_numpy()
        parts.append(auc(faces.loc[known, name].astype(int).to_numpy(), evidence["original"][known, column]))
    figures["parts_roc_auc"] = float(np.mean(parts))
    shown.append(f"{figures['parts_roc_auc']:.3f}")
    return figures, " | ".join(shown)


def auc(label: NDArray[Any], values: NDArray[np.float64]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(label, values))


def open_sealed(name: str, faces: pd.DataFrame, found: Measured) -> None:
    """Score the sealed tenth with one row, trained on all others."""
    row, fold = ROWS[name], faces["fold"].to_numpy()
    evidence = scores(row, faces, found)["original"][:, 0]
    from sklearn.linear_model import LogisticRegression

    label = faces["label"].to_numpy()
    platt = LogisticRegression(C=100.0).fit(evidence[fold >= 0, None], label[fold >= 0])
    model = fitted(row, learned(row, faces, found, fold >= 0))
    sealed = faces[fold < 0]
    told = model(found.arrays[fold < 0])[:, :1]
    test = evaluate_scores(sealed.assign(p_fake=platt.predict_proba(told)[:, 1]), 0.5, Resampling(1000, SEED))
    assert test.matched and test.paired
    print(
        f"sealed | {name} | n {len(sealed)} | {test.overall.roc_auc} | {test.matched.roc_auc} | "
        f"{test.paired.win_rate} of {test.paired.n} | {test.overall.accuracy}"
    )
    for version, (rows, arrays) in found.changed.items():
        here = fold[rows] < 0
        print(f"sealed | {version}: {auc(label[rows[here]], model(arrays[here])[:, 0]):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--weights", default="none")
    parser.add_argument("--only", nargs="*", default=list(ROWS))
    parser.add_argument("--robust", type=int, default=0, help="score one image in so many after a change, too")
    parser.add_argument("--sealed", action="store_true")
    arguments = parser.parse_args()
    faces = known_faces(arguments.folder, arguments.pairs)

    @cache
    def backbone() -> Graph:
        runtime.start(SEED, 2)
        network = make_backbone(
            "MobileNetV2", size=SPEC.crop, weights=arguments.weights, allow_random=False, seed=SEED, root=Path.cwd()
        ).network
        return Graph(export(roi_pooled(network, FEATURE_SET.layers)[0]))

    def embed(face: NDArray[Any]) -> NDArray[np.float32]:
        return backbone()(face)

    found = measured(arguments.folder, faces, arguments.cache, embed, arguments.robust)
    for name in arguments.only:
        row = ROWS[name]
        if arguments.sealed:
            open_sealed(name, faces, found)
            continue
        figures, shown = judged(faces, scores(row, faces, found))
        with stage_run(f"forensic: {name}", role="research") as run:
            run.params({"reads": ",".join(row.reads), "copies": row.copies})
            run.params({"selectors": ",".join(row.selectors), "settings": Settings(**row.settings).model_dump()})
            run.metrics(figures)
        print(f"| {name} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
