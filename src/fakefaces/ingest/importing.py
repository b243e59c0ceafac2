"""Import of photographs into ``data/`` as a DVC import, which remembers its source."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fakefaces.base.environment import DVC
from fakefaces.base.errors import DataError
from fakefaces.base.progress import echo
from fakefaces.data.faces import REAL
from fakefaces.data.photographs import find_faces
from fakefaces.ingest import corrections

KAGGLE = "ciplab/real-and-fake-face-detection"


def import_photographs(source: str, root: Path) -> None:
    """Make ``data/`` a DVC import of a folder or URL; it is checked before ``data/`` is replaced.

    Args:
        source: a local folder, a URL that DVC can read, ``kaggle`` for CIPLAB's set, or a CSV of labelled images
            to add to those in ``data/``.
        root: the project's folder.

    Raises:
        DataError: the source does not exist or has no faces, or DVC cannot fetch it; ``data/`` is unchanged.
    """
    if source == "kaggle":
        source = str(download_ciplab())
    if source.endswith(".csv") and "://" not in source:
        table = Path(source).expanduser().resolve()
        labelled = corrections.read_corrections(table)
        reals = sum(correction.label == REAL for correction in labelled)
        echo(f"{table}: {reals} images labelled real and {len(labelled) - reals} labelled fake")
        source = str(corrections.merge_corrections(labelled, root / "data", table.with_name(f"{table.stem}-set")))
    if "://" not in source:
        folder = Path(source).expanduser().resolve()
        faces = find_faces(folder)
        echo(f"{folder}: {(faces['label'] == 0).sum()} real and {(faces['label'] == 1).sum()} fake images")
        # A relative path to a folder of the project is valid in every clone.
        source = folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)
    # Fetched beside data/ first, which is replaced only by a complete set.
    new, old = root / "data.new", root / "data.old"
    _remove_import(new)
    echo(f"fetching {source}; a large set takes minutes")
    try:
        _dvc(root, "import-url", source, new.name)
        find_faces(new)
        with _restore_on_error([root / "data", root / "data.dvc"], old):
            _dvc(root, "move", new.name, "data")
            _dvc(root, "unfreeze", "data.dvc")
    finally:
        _remove_import(new)
    echo("data/ now holds these photographs; run: dvc repro")


def download_ciplab() -> Path:
    """Download the public set with kagglehub, and return the unpacked folder in its cache; a DataError if it fails."""
    try:
        import kagglehub
    except ImportError:
        raise DataError("the download needs kagglehub; install it with: uv sync --extra kaggle") from None
    try:
        return Path(kagglehub.dataset_download(KAGGLE))
    except Exception as error:  # kagglehub raises whatever requests and Kaggle's API raise
        reason = " ".join(str(error).split())[:160]
        raise DataError(
            f"Kaggle's {KAGGLE} could not be downloaded ({reason}). Is there a network? Or download and unzip it "
            "elsewhere, then: fakefaces data FOLDER"
        ) from None


def _dvc(root: Path, *arguments: str) -> None:
    """Run DVC's command line; its public Python API has no imports."""
    process = subprocess.run([*DVC, *arguments], cwd=root, capture_output=True, text=True, check=False)
    if process.returncode:
        errors = [line.removeprefix("ERROR: ") for line in process.stderr.splitlines() if line.startswith("ERROR: ")]
        reason = " ".join(errors)[:300] or f"exit code {process.returncode}"
        raise DataError(f"dvc {' '.join(arguments)}: {reason}; data/ is unchanged")


@contextmanager
def _restore_on_error(paths: list[Path], folder: Path) -> Iterator[None]:
    """Move paths to a folder, and restore them if the block fails."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    moved = [path for path in paths if path.exists()]
    for path in moved:
        # Under another name, as DVC looks for .dvc files everywhere.
        path.rename(folder / f"{path.name}.old")
    try:
        yield
    except BaseException:
        for path in moved:
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            (folder / f"{path.name}.old").rename(path)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_import(folder: Path) -> None:
    folder.with_name(f"{folder.name}.dvc").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
