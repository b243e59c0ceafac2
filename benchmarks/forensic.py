"""Which traces tell a doctored face: one row a hypothesis, by grouped cross-validation, each an MLflow run.

    uv run python benchmarks/forensic.py FOLDER PAIRS.csv CACHE --weights MOBILENET.weights.h5 [--only NAME ...]

FOLDER holds the photographs, PAIRS.csv is `reports/duplicate_pairs.csv` of a run on them, CACHE keeps what was measured.
A tenth of the photographs, whole groups of them, is sealed: nothing here reads its labels but `--sealed`, which scores
it once with the rows named by `--only`, trained on all others. On the rest each image is scored by a model that knows
no image of its group. `--robust 4` scores a quarter of the images after a change, too.
"""

import argparse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.data.arrays import Part
from fakefaces.data.corruptions import corrupt
from fakefaces.data.faces import PARTS, find_faces
from fakefaces.data.splits import assign_folds
from fakefaces.duplicates import group_images
from fakefaces.evaluation.evaluate import match_sources
from fakefaces.evaluation.metrics import classification_metrics
from fakefaces.evaluation.scores import evaluate_scores
from fakefaces.features.extract import seen
from fakefaces.features.residual_dataset import measure
from fakefaces.features.residuals.features import FAMILIES as SIZES
from fakefaces.features.roi_pooling import Embed, boxed, embedding
from fakefaces.models import runtime
from fakefaces.models.backbones import make_backbone
from fakefaces.models.forensic import weighed
from fakefaces.models.forensic.looks import LOOKS, TOLD
from fakefaces.models.forensic.regression import Settings, solve
from fakefaces.tracking.runs import stage_run

SEED, CROP, LONGEST, COPIES = 20, 448, 1024, 2
CHANGES = {"jpeg 80": ("jpeg", 80.0), "resize 0.75": ("resize", 0.75)}
LAYERS = ["block_6_expand_relu", "block_13_expand_relu"]
FAMILIES = ("luma", "chroma", "correlations", "casts", "fine", "coarse")  # the last two are the backbone's maps
ENDS = dict(zip(FAMILIES, pairwise(accumulate((*SIZES, 384, 576), initial=0)), strict=True))
HAND = FAMILIES[:4]
PARTS_ALONE = tuple(look.name for look in LOOKS if look.name != "face")


@dataclass(frozen=True)
class Hypothesis:
    """One row: what is read, what is learned from beside the originals, and how.

    Attributes:
        reads: each of them has a solution of its own, of families joined by ``+``; their mean is the score.
        copies: how many corrupted copies of each image are learned from, too.
        settings: of the kind.
        weighted: whether the mean weighs each by its skill.
        looks: at the whole face, or at its parts.
    """

    reads: tuple[str, ...] = FAMILIES
    copies: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    weighted: bool = True
    looks: tuple[str, ...] = tuple(look.name for look in LOOKS)


def tuned(**settings: float) -> Hypothesis:
    return Hypothesis(settings=settings)


ROWS = {
    "luma": Hypothesis(("luma",)),
    "chroma": Hypothesis(("chroma",)),
    "luma+chroma": Hypothesis(("luma+chroma",)),
    "correlations": Hypothesis(("correlations",)),
    "backbone, fine": Hypothesis(("fine",)),
    "backbone, coarse": Hypothesis(("coarse",)),
    "backbone, joined": Hypothesis(("fine+coarse",)),
    "hand-made, joined": Hypothesis(("luma+chroma+correlations",)),
    "hand-made, mean": Hypothesis(HAND, weighted=False),
    "hand-made, weighted": Hypothesis(HAND),
    "casts": Hypothesis(("casts",)),
    "all, joined": Hypothesis(("+".join(FAMILIES),)),
    "all, mean": Hypothesis(weighted=False),
    "all, weighted": Hypothesis(),
    "all, weighted, no whitening": tuned(whitening=0.0),
    "all, weighted, full whitening": tuned(whitening=1.0),
    "all, weighted, ridge 0.03": tuned(ridge=0.03),
    "all, weighted, ridge 0.3": tuned(ridge=0.3),
    "all, weighted, width 0.25": tuned(width=0.25),
    "all, weighted, width 1": tuned(width=1.0),
    "all, weighted + 1 copy": Hypothesis(copies=1),
    "all, weighted + 2 copies": Hypothesis(copies=2),
    "all but casts, mean + 2 copies": Hypothesis((*HAND[:3], "fine", "coarse"), copies=2, weighted=False),
    "all, weighted + 2 copies, the face alone": Hypothesis(copies=2, looks=("face",)),
    "all, weighted + 2 copies, the parts alone": Hypothesis(copies=2, looks=PARTS_ALONE),
    "all, weighted + 2 copies, parts beside skin alone": Hypothesis(copies=2, looks=PARTS_ALONE[3:]),
    "all, weighted + 2 copies, 120 components and 600 landmarks": Hypothesis(
        copies=2, settings={"components": 120, "landmarks": 600}
    ),
    "all, weighted + 2 copies, 150 components": Hypothesis(copies=2, settings={"components": 150}),
}


@dataclass(frozen=True)
class Measured:
    """Features of images and of what was made of them."""

    arrays: NDArray[np.float32]
    made: NDArray[np.float32]
    table: pd.DataFrame
    changed: dict[str, tuple[NDArray[np.intp], NDArray[np.float32]]]


def known_faces(folder: Path, pairs: Path) -> pd.DataFrame:
    """The photographs with their groups, sources and folds; the fold of the sealed ones is -1."""
    faces = find_faces(folder)
    found = pd.read_csv(pairs, dtype={"a": "str", "b": "str"})
    faces["encoding"] = [images.header(images.read(folder / name)).quantization for name in faces["image"]]
    faces["group"] = group_images(list(faces["image"]), found).to_numpy()
    faces["source"] = match_sources(faces, found, min_inliers=100)
    tenth = assign_folds(faces, faces["group"], n_splits=10, seed=SEED)
    open_ = faces[tenth != 0]
    faces["fold"] = assign_folds(open_, open_["group"], n_splits=5, seed=SEED).reindex(faces.index, fill_value=-1)
    return faces


def measured(folder: Path, faces: pd.DataFrame, cache: Path, embed: Embed, robust: int) -> Measured:
    """Measure what is not in the cache yet: all images, copies of them, and one in ``robust`` after each change."""
    cache.mkdir(parents=True, exist_ok=True)
    if not (cache / "made.csv").is_file():
        whole = measure(folder, faces, longest=LONGEST, copies=COPIES, seed=SEED, threads=2, crop=CROP, embed=embed)
        np.save(cache / "arrays.npy", whole.arrays)
        np.save(cache / "made.npy", whole.made)
        whole.table.to_csv(cache / "made.csv", index=False)
    changed = {}
    rows = np.arange(0, len(faces), robust or len(faces))
    for name, level in CHANGES.items() if robust else ():
        path = cache / f"{name} {robust}.npy"
        if not path.is_file():

            def one(row: int, level: tuple[str, float] = level) -> NDArray[Any]:
                pixels = images.decode(images.read(folder / faces["image"].iloc[row]))
                return seen("residuals", corrupt(pixels, level, quality=95, seed=[SEED, row]), LONGEST, crop=CROP)

            found = []
            with ThreadPoolExecutor(2) as pool:
                for chunk in track(chunks(rows), name, -(-len(rows) // 32)):
                    views = np.stack(list(pool.map(one, chunk)))
                    found.append(np.concatenate([views["traces"], embed(views["crop"])], axis=-1))
            np.save(path, np.concatenate(found))
        changed[name] = rows, np.load(path)
    table = pd.read_csv(cache / "made.csv", dtype={"image": "str"})
    return Measured(np.load(cache / "arrays.npy"), np.load(cache / "made.npy"), table, changed)


def chunks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(rows), 32):
        yield rows[start : start + 32]


def read(name: str, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The columns of some families, joined by ``+``."""
    return np.concatenate([features[..., slice(*ENDS[one])] for one in name.split("+")], axis=-1)


def learned(row: Hypothesis, faces: pd.DataFrame, found: Measured, train: NDArray[np.bool_]) -> Part:
    """The originals where ``train`` is true, and what was made of them."""
    parts = faces[list(PARTS)].fillna(-1).to_numpy(dtype=np.int8)
    names = set(faces.loc[train, "image"])
    turn = found.table.groupby("image").cumcount()
    made = np.flatnonzero(found.table["image"].isin(names) & (turn < row.copies))
    origin = pd.Index(faces.loc[train, "image"]).get_indexer(found.table["image"].iloc[made])
    return Part(
        np.concatenate([found.arrays[train], found.made[made]]),
        np.concatenate([faces["label"][train], found.table["label"].iloc[made]]).astype(np.float32),
        np.concatenate([parts[train], found.table[list(PARTS)].iloc[made].to_numpy(np.int8)]),
        made_of=origin,
    )


def solved(row: Hypothesis, part: Part) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
    """From features to evidence, (n, 5)."""
    settings, looks = Settings(**row.settings), [look for look in LOOKS if look.name in row.looks]
    found = [
        [solve(settings, look, replace(part, views=read(name, part.views))) for look in looks] for name in row.reads
    ]
    if not row.weighted:
        found = [[replace(one, skill=1.0) for one in each] for each in found]
    solutions = dict(zip(row.reads, weighed(found), strict=True))

    def evidence(features: NDArray[np.float32]) -> NDArray[np.float64]:
        answers = np.zeros((len(features), len(TOLD)))
        for name, of_family in solutions.items():
            for solution in of_family:
                answers[:, solution.look.answers] += solution.answers(read(name, features))
        return np.asarray(answers @ TOLD)

    return evidence


def scores(row: Hypothesis, faces: pd.DataFrame, found: Measured) -> dict[str, NDArray[np.float64]]:
    """By version of the images the evidence out of fold, (n, 5); NaN where it was not asked."""
    names = ["original", *found.changed]
    out = {name: np.full((len(faces), 5), np.nan) for name in names}
    fold = faces["fold"].to_numpy()
    for k in range(fold.max() + 1):
        evidence = solved(row, learned(row, faces, found, (fold >= 0) & (fold != k)))
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
    record = evaluate_scores(asked, n_resamples=1000, seed=SEED)
    whole, matched, paired = record["overall"], record["matched"], record["paired"]
    figures = {key: whole[key] for key in ("roc_auc", "accuracy")}
    figures |= {"matched_roc_auc": matched["roc_auc"], "paired_win_rate": paired["win_rate"]}
    shown = [with_interval(whole, "roc_auc"), with_interval(matched, "roc_auc"), with_interval(paired, "win_rate")]
    shown.append(with_interval(whole, "accuracy"))
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
    low, high = values.min(), values.max()
    return float(classification_metrics(label, (values - low) / max(high - low, 1e-12), 0.5)["roc_auc"])


def with_interval(record: dict[str, Any], name: str) -> str:
    ends = record["intervals"][name]
    return f"{record[name]:.3f}" + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else "")


def open_sealed(name: str, faces: pd.DataFrame, found: Measured) -> None:
    """Score the sealed tenth with one row, trained on all others."""
    row, fold = ROWS[name], faces["fold"].to_numpy()
    evidence = scores(row, faces, found)["original"][:, 0]
    from sklearn.linear_model import LogisticRegression

    label = faces["label"].to_numpy()
    platt = LogisticRegression(C=100.0).fit(evidence[fold >= 0, None], label[fold >= 0])
    model = solved(row, learned(row, faces, found, fold >= 0))
    sealed = faces[fold < 0]
    told = model(found.arrays[fold < 0])[:, :1]
    record = evaluate_scores(sealed.assign(p_fake=platt.predict_proba(told)[:, 1]), n_resamples=1000, seed=SEED)
    print(
        f"sealed | {name} | n {len(sealed)} | {with_interval(record['overall'], 'roc_auc')} | "
        f"{with_interval(record['matched'], 'roc_auc')} | {with_interval(record['paired'], 'win_rate')} "
        f"of {record['paired']['n']} | {with_interval(record['overall'], 'accuracy')}"
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
    given = parser.parse_args()
    faces = known_faces(given.folder, given.pairs)

    def embed(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not hasattr(embed, "ready"):
            runtime.start(SEED, 2)
            made = make_backbone(
                "MobileNetV2", size=CROP, weights=given.weights, allow_random=False, seed=SEED, root=Path.cwd()
            )
            embed.ready = embedding(boxed(made.network, LAYERS)[0])  # type: ignore[attr-defined]
        return embed.ready(crops)  # type: ignore[attr-defined]

    found = measured(given.folder, faces, given.cache, embed, given.robust)
    for name in given.only:
        row = ROWS[name]
        if given.sealed:
            open_sealed(name, faces, found)
            continue
        figures, shown = judged(faces, scores(row, faces, found))
        with stage_run(f"forensic: {name}", role="research") as run:
            run.params({"reads": ",".join(row.reads), "copies": row.copies, "weighted": row.weighted})
            run.params({"looks": ",".join(row.looks), "settings": Settings(**row.settings).model_dump()})
            run.metrics(figures)
        print(f"| {name} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
