"""The place of a job's output: a local folder, or an address of fsspec."""

from pathlib import Path
from typing import Any

from fakefaces.base.errors import DataError
from fakefaces.base.files import atomic_write
from fakefaces.scoring.addresses import filesystem, is_url, local_path, public


class Storage:
    """Small objects by name, each of which is there as a whole or not at all.

    Locally they are renamed when complete. Object stores show an object when all of it was sent, and cannot rename.
    """

    def __init__(self, address: str):
        """``address`` is a folder, which need not exist yet."""
        self.address = address.rstrip("/") if is_url(address) else str(local_path(address).absolute())
        self.folder: Path | None = None if is_url(address) else Path(self.address)  # None where it is not local
        if self.folder and self.folder.exists() and not self.folder.is_dir():
            raise DataError(f"{self.folder}: it is a file; OUTPUT is a folder, new or of an earlier start")

    def __str__(self) -> str:
        return public(self.address)

    def write(self, name: str, data: bytes) -> None:
        """Write an object."""
        if self.folder:
            with atomic_write(self.folder / name) as aside:
                aside.write_bytes(data)
            return
        files, path = self._remote(name)
        files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        files.pipe_file(path, data)

    def read(self, name: str) -> bytes | None:
        """The bytes of an object; None if there is none."""
        try:
            if self.folder:
                return (self.folder / name).read_bytes()
            files, path = self._remote(name)
            return bytes(files.cat_file(path))
        except FileNotFoundError:
            return None

    def names(self, folder: str = "") -> set[str]:
        """The names of the objects in the output or in a folder of it, not at any depth."""
        try:
            if self.folder:
                return {path.name for path in (self.folder / folder).iterdir()}
            files, path = self._remote(folder)
            files.invalidate_cache(path)
            return {str(found).rstrip("/").rsplit("/", 1)[-1] for found in files.ls(path, detail=False)}
        except FileNotFoundError:
            return set()

    def remove(self, name: str) -> None:
        """Remove an object."""
        if self.folder:
            (self.folder / name).unlink(missing_ok=True)
        else:
            files, path = self._remote(name)
            files.rm_file(path)

    def _remote(self, name: str) -> tuple[Any, str]:
        return filesystem(f"{self.address}/{name}".rstrip("/"))
