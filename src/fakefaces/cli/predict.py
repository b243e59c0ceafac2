"""``fakefaces predict``."""

import json
import sys
from typing import Annotated

import typer

from fakefaces.base.errors import DataError
from fakefaces.cli.arguments import Model, Paths, Threads, detector_folder, image_files


def predict(
    paths: Paths,
    model: Model = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    threads: Threads = 2,
) -> None:
    """Score images with the champion: p_fake from 0 (real) to 1 (fake), the label, and whether it is unsure of it."""
    from fakefaces.base.progress import track
    from fakefaces.inference import detector
    from fakefaces.inference import predict as scoring

    files = image_files(paths)
    folder = detector_folder(model)
    scores = scoring.score_files(detector.load(folder), files, threads=threads)
    if len(files) > 64:
        scores = track(scores, "scoring", len(files))
    width = min(max(len(str(path)) for path in files), 80)
    if not as_json:
        print(f"{'path':{width}}  p_fake  label  unsure")
    failed = 0
    for score in scores:
        if score.problem:
            failed += 1
            print(f"ERROR {score.problem_detail}", file=sys.stderr)
        if as_json:
            print(json.dumps(score.row()))
        elif not score.problem:
            unsure = "-" if score.unsure is None else "yes" if score.unsure else "no"
            print(f"{score.path:{width}}  {score.p_fake:6.4f}  {score.label:5}  {unsure}")
    if failed:
        raise DataError(f"{failed} of {len(files)} files could not be scored")
