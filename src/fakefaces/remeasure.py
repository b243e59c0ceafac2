"""Measure a registered detector on the test images of today's split; run as a process of its own.

``python -m fakefaces.remeasure URI IMAGES METRIC`` prints one JSON object. The promote stage calls it when the
champion was judged on other images, so that promotion itself needs no TensorFlow.
"""

import json
import sys
from pathlib import Path

from fakefaces import detector, runtime
from fakefaces.base import environment
from fakefaces.base.layout import Layout
from fakefaces.base.params import load
from fakefaces.base.progress import track
from fakefaces.base.stage import guarded
from fakefaces.data.splits import read_split
from fakefaces.evaluation.metrics import classification_metrics
from fakefaces.scoring import p_fakes, score_files
from fakefaces.tracking.detectors import fetch


def main(uri: str, images: str, metric: str) -> None:
    """Score the test images and print the figure."""
    layout = Layout(environment.workspace())
    params = load(layout.root / "params.yaml")
    table = read_split(Path(images))
    test = table[table["split"] == "test"]
    runtime.start(params.seed, params.threads)
    champion = detector.load(fetch(uri))
    paths = [layout.data / image for image in test["image"]]
    scores = track(score_files(champion, paths, threads=params.threads), "scoring the champion", len(paths))
    figures = classification_metrics(test["label"], p_fakes(scores), champion.card.threshold)
    print(json.dumps({metric: figures[metric]}))


if __name__ == "__main__":
    sys.exit(guarded(main, *sys.argv[1:]))
