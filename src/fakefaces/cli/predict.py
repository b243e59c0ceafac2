"""``fakefaces predict``."""

import json
import sys
from typing import Annotated

import typer

from fakefaces.base.errors import DataError
from fakefaces.base.names import on_one_line, printable
from fakefaces.cli.arguments import FollowLinks, Model, Paths, Threads, caution, caution_of_batch, fetched
from fakefaces.cli.model_names import model_source
from fakefaces.cli.trained_on import warn_of_training_images

_MANY = 1_000  # files


def predict(
    paths: Paths,
    model: Model = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    threads: Threads = 2,
    follow_links: FollowLinks = False,
) -> None:
    """Score images with the champion: p_fake from 0 (real) to 1 (fake), the label, and whether it is unsure of it."""
    from fakefaces.base.progress import echo, track
    from fakefaces.cli.listing import image_files
    from fakefaces.evaluation.unlike import LEAST
    from fakefaces.inference import detector
    from fakefaces.inference import predict as scoring
    from fakefaces.scoring.counts import Tally

    source = model_source(model)
    files = image_files(paths, follow_links=follow_links)
    if len(files) > _MANY:
        echo(
            f"{len(files):,} files: fakefaces score INPUT OUTPUT does this in processes, and goes on after an interrupt"
        )
    folder = fetched(source)
    caution(folder)
    scores = scoring.score_files(detector.load(folder), files, threads=threads)
    if len(files) > 64:
        scores = track(scores, "scoring", len(files))
    width = min(max(len(on_one_line(printable(path))) for path in files), 80)
    tally = Tally()
    scores = tally.over(scores)
    if not as_json:
        if len(files) >= LEAST:  # what is said of all of them stands above them
            scores = iter(list(scores))
            caution_of_batch(folder, tally.counts)
        print(f"{'path':{width}}  p_fake  label  unsure  unfamiliar  log10 LR")
    for score in scores:
        if score.problem:
            print(f"ERROR {on_one_line(score.problem_detail or '')}", file=sys.stderr)
        if as_json:
            print(json.dumps(score.row()))
        elif not score.problem:
            weight = "-" if score.log10_lr is None else f"{score.log10_lr:+.2f}"
            unsure, unfamiliar = _yes_or_no(score.unsure), _yes_or_no(score.unfamiliar)
            verdict = f"{score.p_fake:6.4f}  {score.label:5}  {unsure:6}  {unfamiliar:10}  {weight}"
            print(f"{on_one_line(score.path):{width}}  {verdict}")
    if as_json:
        caution_of_batch(folder, tally.counts)
    echo(f"{len(files):,} image{'s' * (len(files) > 1)}: {tally.counts}")
    warn_of_training_images(files)
    if failed := sum(tally.counts.problems.values()):
        raise DataError(f"{failed} of {len(files)} files could not be scored")


def _yes_or_no(value: bool | None) -> str:
    return "-" if value is None else "yes" if value else "no"
