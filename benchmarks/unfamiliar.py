"""What the detectors of a project call unfamiliar: their own test images, strangers, and what is no photograph.

    uv run python benchmarks/unfamiliar.py PROJECT STRANGERS [--model forensic] [--every 4] [--half figures]

PROJECT is a clone in which `dvc repro` has run with `strangers` above 0; STRANGERS has the folders `real` and `fake`,
of photographs and generated faces of another origin. Every second of them is of one half: choices were made on
`choices`. Each stranger is judged by the detectors of all folds, each image of the project by that of its own fold. A
problem, such as `no_face`, counts as refused. Prints the tables of docs/unfamiliar.md.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from fakefaces.base.errors import ImageError
from fakefaces.base.paths import Layout
from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.data.corruptions import Level, corrupt
from fakefaces.data.splits import CvSplit, cv_splits, read_split
from fakefaces.evaluation.unlike import LEAST, unlike
from fakefaces.faces.find import find_faces
from fakefaces.inference.detector import Detector, load

Pixels = NDArray[np.uint8]
Verdicts = pd.DataFrame  # a row an image: ``p_fake``, NaN with a problem, and ``refused``
BATCHES = 100


@dataclass(frozen=True)
class Fold:
    """A fold with its detector."""

    split: CvSplit
    detector: Detector


def png(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1])


def decoded(path: Path) -> Pixels:
    return images.decode(images.read(path), str(path))


def original(path: Path, level: Level | None, row: int) -> bytes:
    """An image of the project, after a corruption if there is one."""
    return png(corrupt(decoded(path), level, quality=95, seed=[20, row])) if level else images.read(path)


def stranger(path: Path, change: Callable[[Pixels], Pixels] | None) -> bytes:
    return png(change(decoded(path))) if change else images.read(path)


def brought_to_600(pixels: Pixels) -> Pixels:
    scale = 600 / max(pixels.shape[:2])
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    scaled = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return images.decode(images.encode_jpeg(scaled, 95))


def judged(detectors: Sequence[Detector], files: Sequence[Callable[[], bytes]], what: str) -> list[Verdicts]:
    """The verdicts of each detector; features are extracted once, for all of them read the same."""
    rows: list[list[tuple[float, bool]]] = [[] for _ in detectors]
    for read in track(files, what, len(files)):
        try:
            measured, _ = detectors[0].read_faces(read(), what)
        except ImageError:
            measured = []
        for of_detector, detector in zip(rows, detectors, strict=True):
            of_detector.append(verdict(detector, measured))
    return [pd.DataFrame(of_detector, columns=["p_fake", "refused"]) for of_detector in rows]


def verdict(detector: Detector, measured: Sequence[tuple[NDArray[Any], float | None]]) -> tuple[float, bool]:
    """As :meth:`fakefaces.inference.detector.Detector.score` gives it: of several faces the highest score counts."""
    familiar = detector.metadata.familiar
    if not measured or familiar is None:
        return np.nan, True
    scored = [(detector.graph(features).tolist(), size) for features, size in measured]
    outputs, size = max(scored, key=lambda face: face[0][0])
    return outputs[0], familiar.unfamiliar(familiar.unfamiliarity(outputs[-1], size))


def familiar_images(folds: Sequence[Fold], layout: Layout, every: int) -> Iterator[tuple[str, list[Verdicts]]]:
    """The test images of each fold, as they are and corrupted."""
    changes: dict[str, Level | None] = {
        "familiar": None,
        "familiar, q80": ("jpeg", 80.0),
        "familiar, x0.75": ("resize", 0.75),
    }
    for name, level in changes.items():
        verdicts = []
        for fold in folds:
            tested = fold.split.test.iloc[::every]

            files = [partial(original, layout.data / image, level, k) for k, image in enumerate(tested["image"])]
            table = judged([fold.detector], files, f"{name}, fold {fold.split.fold + 1}")[0]
            verdicts.append(table.assign(label=tested["label"].to_numpy()))
        yield name, verdicts


def strange_images(folds: Sequence[Fold], strangers: Path, half: str) -> Iterator[tuple[str, list[Verdicts]]]:
    """Strangers of a half, as they are and at 600 pixels; drawn faces; noise; one colour all over."""
    rng = np.random.default_rng(0)
    detectors = [fold.detector for fold in folds]
    for label, kind in enumerate(("real", "fake")):
        paths = sorted((strangers / kind).iterdir())[half == "figures" :: 2]
        for name, change in (("as they are", None), ("at 600 px, q95", brought_to_600)):
            files = [partial(stranger, path, change) for path in paths]
            found = judged(detectors, files, f"strangers, {kind}, {name}")
            yield f"strangers, {kind}, {name}", [table.assign(label=label) for table in found]
    drawn = islice(sorted((Path(__file__).parents[1] / "samples").glob("training_*/*.jpg")), 50)
    others = {
        "drawn faces": [partial(images.read, path) for path in drawn],
        "noise": [partial(png, rng.integers(0, 256, (600, 600, 3), dtype=np.uint8)) for _ in range(20)],
        "one colour": [partial(png, np.full((600, 600, 3), grey, np.uint8)) for grey in (0, 128, 255)],
    }
    for name, files in others.items():
        yield name, judged(detectors, files, name)


def without_a_face(folds: Sequence[Fold], layout: Layout, every: int) -> tuple[str, list[Verdicts]]:
    """Natural pictures without a face: what lies beside the faces of the project's photographs."""
    names = read_split(layout.images)["image"].drop_duplicates().sort_values().iloc[::every]
    beside = (_beside_faces(decoded(layout.data / name)) for name in names)
    files = [partial(png, crop) for crop in beside if crop is not None]
    return "beside a face", judged([fold.detector for fold in folds], files, "beside a face")


def _beside_faces(pixels: Pixels) -> Pixels | None:
    """The widest strip at the left, the right, above or below all faces; None where it is narrower than 150 pixels."""
    height, width = pixels.shape[:2]
    boxes = np.array([face.box for face in find_faces(pixels)])
    if not len(boxes):
        return None
    (left, top), (right, bottom) = boxes[:, :2].min(axis=0).astype(int) - 8, boxes[:, 2:].max(axis=0).astype(int) + 8
    room = {"left": left, "right": width - right, "above": top, "below": height - bottom}
    strips = {"left": pixels[:, :left], "right": pixels[:, right:], "above": pixels[:top], "below": pixels[bottom:]}
    widest = max(room, key=lambda side: room[side])
    return np.ascontiguousarray(strips[widest]) if room[widest] >= 150 else None


def said_unlike(detector: Detector, refused: NDArray[np.bool_], rng: np.random.Generator) -> float:
    """The share of batches of 40 of these images, drawn a hundred times, that are said to be unlike."""
    familiar = detector.metadata.familiar
    assert familiar
    draws = (rng.choice(refused, LEAST, replace=len(refused) < LEAST) for _ in range(BATCHES))
    return float(np.mean([unlike(LEAST, int(n.sum()), familiar.left_out, familiar.refused) is not None for n in draws]))


def roc_aucs(table: Verdicts) -> str:
    """Of all images that have a score, and of those that are left when the unfamiliar ones are refused."""
    scored = table.dropna(subset="p_fake")
    return f"{roc_auc(scored)} | {roc_auc(scored[~scored['refused']])}"


def roc_auc(table: Verdicts) -> str:
    if table["label"].nunique() < 2:
        return f"one class, of {len(table)}"
    return f"{roc_auc_score(table['label'], table['p_fake']):.3f} of {len(table)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("project", type=Path)
    parser.add_argument("strangers", type=Path)
    parser.add_argument("--model", default="forensic")
    parser.add_argument("--every", type=int, default=4, help="of the test images, one in so many")
    parser.add_argument("--half", choices=("choices", "figures"), default="figures")
    arguments = parser.parse_args()
    layout = Layout(arguments.project.resolve())
    folds = [
        Fold(split, load(layout.detector(arguments.model, split.fold, split.n_splits)))
        for split in cv_splits(read_split(layout.images))
    ]
    found = dict(familiar_images(folds, layout, arguments.every))
    found |= dict(strange_images(folds, arguments.strangers, arguments.half))
    found |= dict([without_a_face(folds, layout, 2 * arguments.every)])
    rng = np.random.default_rng(0)
    print("| images | of each fold | refused | batches of 40 said to be unlike |\n| --- | --- | --- | --- |")
    for name, verdicts in found.items():
        refused = np.mean([table["refused"].mean() for table in verdicts])
        batches = [
            said_unlike(fold.detector, table["refused"].to_numpy(), rng)
            for fold, table in zip(folds, verdicts, strict=True)
        ]
        print(f"| {name} | {len(verdicts[0])} | {refused:.1%} | {np.mean(batches):.1%} |")
    print("\n| ROC AUC of | all | what is left |\n| --- | --- | --- |")
    together = {name: [name] for name in list(found)[:3]}
    for way in ("as they are", "at 600 px, q95"):
        names = [f"strangers, {kind}, {way}" for kind in ("real", "fake")]
        together |= {f"strangers {way}": names, f"familiar, and strangers {way}": ["familiar", *names]}
    for name, members in together.items():
        by_fold = [pd.concat([found[member][k] for member in members]) for k in range(len(folds))]
        print(f"| {name} | {roc_aucs(pd.concat(by_fold))} |")


if __name__ == "__main__":
    main()
