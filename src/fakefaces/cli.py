"""The command line: ``fakefaces predict``, ``data`` and ``sample``."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import DataError, FakefacesError
from fakefaces.base.stage import guarded

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Tell doctored face photographs from real ones.",
)


@app.command()
def predict(
    paths: Annotated[list[Path], typer.Argument(help="Images, or folders of images.", show_default=False)],
    model: Annotated[
        str | None,
        typer.Option(
            help="Another model: a models:/ URI, or the folder of a trained one.", show_default="the champion"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="Images decoded at a time.")] = 2,
) -> None:
    """Score images with the champion: p_fake from 0 (real) to 1 (fake)."""
    from fakefaces import detector, runtime, scoring
    from fakefaces.base.progress import track

    files = _images(paths)
    folder = _detector_folder(model)
    runtime.start(seed=0, threads=threads)
    scores = scoring.score_files(detector.load(folder), files, threads=threads)
    shown = track(scores, "scoring", len(files)) if len(files) > 64 else scores
    width = min(max(len(str(path)) for path in files), 80)
    if not as_json:
        print(f"{'path':{width}}  p_fake  label")
    failed = 0
    for score in shown:
        if score.problem:
            failed += 1
            print(f"ERROR {score.problem}", file=sys.stderr)
            if as_json:
                print(json.dumps({"path": score.name, "p_fake": None, "label": None, "error": score.problem}))
        elif as_json:
            print(json.dumps({"path": score.name, "p_fake": round(score.p_fake or 0.0, 6), "label": score.label}))
        else:
            print(f"{score.name:{width}}  {score.p_fake:6.4f}  {score.label}")
    if failed:
        raise DataError(f"{failed} of {len(files)} files could not be scored")


@app.command()
def data(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder, an s3:// or https:// URL or another DVC source; or 'kaggle' to download CIPLAB's set.",
            show_default=False,
        ),
    ],
) -> None:
    """Import photographs into data/ in place of those that are there; then run: dvc repro."""
    from fakefaces import importing

    importing.import_photographs(source, environment.workspace())


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", show_default=False)],
    images: Annotated[int, typer.Option(min=20, help="How many.")] = 800,
    size: Annotated[int, typer.Option(min=128, max=256, help="Side in pixels.")] = 176,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds draw equal images.")] = 0,
) -> None:
    """Draw faces, real and doctored, in the layout of the public set."""
    from fakefaces.base.progress import progress
    from fakefaces.samples import write_samples

    with progress("drawing faces", images) as step:
        done = 0

        def on_progress(now: int, total: int) -> None:
            nonlocal done
            step(now - done, "")
            done = now

        write_samples(folder, images=images, size=size, seed=seed, progress=on_progress)


def main() -> None:
    """Run the command line; errors that a user can mend end in one line and exit code 1."""
    sys.exit(guarded(lambda: app(standalone_mode=True)))


def _images(paths: list[Path]) -> list[Path]:
    """The files to score: those named, and in folders those with an image's suffix."""
    from fakefaces.images import SUFFIXES

    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            if not inside:
                raise DataError(f"{path}: no image in this folder ({', '.join(SUFFIXES)})")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"{path}: there is no such file or folder")
    return found


def _detector_folder(model: str | None) -> Path:
    from fakefaces.tracking.detectors import CHAMPION, fetch

    if model and (Path(model) / "detector.json").is_file():
        return Path(model)
    if model and ":/" not in model:
        raise FakefacesError(f"{model}: neither a folder with a detector.json nor a models:/ URI")
    return fetch(model or f"models:/{_registered_name()}@{CHAMPION}")


def _registered_name() -> str:
    from fakefaces.base.params import load

    return load(environment.workspace() / "params.yaml").promote.name


if __name__ == "__main__":
    main()
