"""Where photographs come from: folders, archives, addresses, Kaggle; each becomes a folder of this machine."""

from pathlib import Path
from urllib.parse import urlsplit

from fakefaces.base.errors import DataError
from fakefaces.base.names import shown
from fakefaces.base.progress import echo
from fakefaces.ingest import archives
from fakefaces.ingest.record import run_dvc

KAGGLE = "ciplab/real-and-fake-face-detection"


def is_address(source: str) -> bool:
    """Whether a source is an address and no path of this machine."""
    return "://" in source


def local_copy(source: str, place: Path) -> Path:
    """A folder, or a table, with what a source holds.

    Args:
        source: a path of a folder, an archive or a table, or an address.
        place: an empty folder for what has to be fetched or unpacked.

    Raises:
        DataError: there is no such source, or it cannot be fetched or unpacked.
    """
    if not is_address(source):
        path = Path(source).expanduser().resolve()
        if path.is_dir():
            return path
        if not path.exists():
            raise DataError(f"{shown(path)}: there is no such folder or file")
        if not path.is_file():
            raise DataError(f"{shown(path)}: neither a folder nor a regular file")
        return _unpacked(path, place)
    parts = urlsplit(source)
    name = Path(parts.path).name[-100:] or "download"
    if parts.scheme in ("http", "https"):
        path = archives.download(source, place / "download" / name)
        if not archives.is_archive(path):
            raise DataError(f"{source}: the answer is no archive (.zip, .tar.gz), so it holds no set of photographs")
    else:
        echo(f"fetching {source}; a large set takes minutes")
        place.mkdir(parents=True, exist_ok=True)
        path = place / "download"
        run_dvc(place, "get-url", source, str(path))
        if path.is_dir():
            return path
    return _unpacked(path, place)


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


def _unpacked(path: Path, place: Path) -> Path:
    from fakefaces.ingest.tables import SUFFIXES

    if archives.is_archive(path):
        return archives.unpack(path, place / "unpacked" / path.name)  # by whose name messages call it
    if path.suffix.lower() in SUFFIXES:
        return path
    raise DataError(
        f"{shown(path)}: neither a folder, nor a whole archive ({', '.join(archives.SUFFIXES)}), nor a table "
        f"({', '.join(SUFFIXES)})"
    )
