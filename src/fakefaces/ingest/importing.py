"""Photographs of the user's own into ``data/``, as a DVC import that stays tied to where they came from."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fakefaces.base.errors import DataError
from fakefaces.base.progress import echo
from fakefaces.data.faces import REAL, find_faces
from fakefaces.ingest import corrections

KAGGLE = "ciplab/real-and-fake-face-detection"


def import_photographs(source: str, root: Path) -> None:
    """Make ``data/`` an import of a folder or URL, checked before anything is replaced.

    Args:
        source: a local folder, a URL that DVC can read, ``kaggle`` for CIPLAB's set, or a CSV of labelled images
            that are added to those in ``data/``.
        root: the project's folder.

    Raises:
        DataError: nothing there, no faces in it, or DVC could not fetch it; ``data/`` stays as it was.
    """
    if source == "kaggle":
        source = str(download_ciplab())
    if source.endswith(".csv") and "://" not in source:
        source = str(with_corrections(Path(source).expanduser().resolve(), root / "data"))
    if "://" not in source:
        folder = Path(source).expanduser().resolve()
        faces = find_faces(folder)
        echo(f"{folder}: {(faces['label'] == 0).sum()} real and {(faces['label'] == 1).sum()} fake images")
        # Inside the project a relative path means the same on every clone.
        source = folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)
    # Fetched beside data/ first: what is there is given up only for something that is whole.
    new, old = root / "data.new", root / "data.old"
    _forget(new)
    echo(f"fetching {source}; a large set takes minutes")
    try:
        _dvc(root, "import-url", source, new.name)
        find_faces(new)
        with _set_aside([root / "data", root / "data.dvc"], old):
            _dvc(root, "move", new.name, "data")
            _dvc(root, "unfreeze", "data.dvc")
    finally:
        _forget(new)
    echo("data/ now holds these photographs; run: dvc repro")


def with_corrections(table: Path, data: Path) -> Path:
    """A folder beside a CSV of labelled images: the photographs in ``data`` with those of the CSV.

    Raises:
        DataError: see :func:`fakefaces.ingest.corrections.read_corrections`.
    """
    found = corrections.read_corrections(table)
    reals = sum(one.label == REAL for one in found)
    echo(f"{table}: {reals} images labelled real and {len(found) - reals} labelled fake")
    return corrections.merged(found, data, table.with_name(f"{table.stem}-set"))


def download_ciplab() -> Path:
    """Download the public set with kagglehub.

    Returns:
        The folder of its unpacked files, in kagglehub's own cache.

    Raises:
        DataError: kagglehub is not installed, there is no network, or Kaggle refused.
    """
    try:
        import kagglehub
    except ImportError:
        raise DataError("the download needs kagglehub; install it with: uv sync --extra kaggle") from None
    try:
        return Path(kagglehub.dataset_download(KAGGLE))
    except Exception as error:  # kagglehub passes on whatever requests and Kaggle's API raise
        reason = " ".join(str(error).split())[:160]
        raise DataError(
            f"Kaggle's {KAGGLE} could not be downloaded ({reason}). Is there a network? Or download and unzip it "
            "elsewhere, then: fakefaces data FOLDER"
        ) from None


def _dvc(root: Path, *arguments: str) -> None:
    """Run DVC's command line; its Python API is not a public one for this."""
    done = subprocess.run(["dvc", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        reason = " ".join(errors)[:300] or f"it ended with {done.returncode}"
        raise DataError(f"dvc {' '.join(arguments)}: {reason}; data/ stays as it was")


@contextmanager
def _set_aside(paths: list[Path], folder: Path) -> Iterator[None]:
    """Keep what is there in a folder, and bring it back if the block fails."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    there = [path for path in paths if path.exists()]
    for path in there:
        # Not by its own name: DVC looks for .dvc files everywhere.
        path.rename(folder / f"{path.name}.old")
    try:
        yield
    except BaseException:
        for path in there:
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            (folder / f"{path.name}.old").rename(path)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _forget(folder: Path) -> None:
    folder.with_name(f"{folder.name}.dvc").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
