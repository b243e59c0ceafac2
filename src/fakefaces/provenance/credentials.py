"""Content Credentials (https://c2pa.org) that a photograph carries: a fact beside the score, never a verdict.

Who has a certificate can claim anything with them, and who wants to be rid of them saves the image anew. They are read
by c2pa-python, an optional package, in a process of its own with a limit of time and memory, for its library is native
code and the files are a stranger's. Nothing is asked of a network: manifests that lie elsewhere are not fetched, and
no certificate is looked up.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fakefaces.base import environment
from fakefaces.provenance.credentials_process import MAX_ACTIONS, MAX_TEXT, serve

START_SECONDS = 60  # until the package is imported
SECONDS = 10  # for one photograph
# Of the box that holds a manifest, and of the XMP property that tells where one lies: without either there is none.
_MARKS = (b"jumdc2pa", b"dcterms:provenance")
_BUSY = "they were not read: there were too many at a time"
_INSTALL = "it carries Content Credentials, which are not read; install what reads them: uv sync --extra c2pa"


class Action(BaseModel):
    """What its maker says was done to a photograph."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: str = Field(max_length=MAX_TEXT)  # such as c2pa.created, c2pa.edited
    # the last word of IPTC's term, such as trainedAlgorithmicMedia or digitalCapture
    digital_source_type: str | None = Field(default=None, max_length=MAX_TEXT)


class ContentCredentials(BaseModel):
    """What a photograph's Content Credentials claim.

    ``state`` is the library's: ``trusted`` where the signature is sound and its certificate is on the list of
    FAKEFACES_C2PA_TRUST, ``valid`` where it is sound and by anybody, ``invalid`` where the file was changed since or
    the signature is not sound. It is null, with a note, where nothing could be read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Literal["trusted", "valid", "invalid"] | None = None
    issuer: str | None = Field(default=None, max_length=MAX_TEXT)  # the organization in the certificate
    claim_generator: str | None = Field(default=None, max_length=MAX_TEXT)  # the camera or program
    signed: str | None = Field(default=None, max_length=MAX_TEXT)  # when, by a time stamp
    actions: tuple[Action, ...] = Field(default=(), max_length=MAX_ACTIONS)  # its own, then those of what it is made of
    note: str | None = None  # why it could not be read

    def __str__(self) -> str:
        """One line for people."""
        if self.state is None:
            return f"Content Credentials: {self.note}"
        listed = {
            "trusted": f"valid, issued by {self.issuer}, which is on the list of trust",
            "valid": f"valid, issued by {self.issuer}, which is on no list of trust",
            "invalid": f"INVALID: the file is not what {self.issuer} signed",
        }[self.state]
        made = f"; made by {self.claim_generator}" if self.claim_generator else ""
        done = ", ".join(
            f"{action.action} ({action.digital_source_type})" if action.digital_source_type else action.action
            for action in self.actions
        )
        return f"Content Credentials: {listed}{made}" + (f"; claimed: {done}" if done else "")


def _skipped(data: bytes) -> ContentCredentials | None:
    return ContentCredentials(note=_BUSY) if any(mark in data for mark in _MARKS) else None


class CredentialsReader:
    """Reads Content Credentials, by a process that is started for the first photograph that carries some.

    A context manager; its method may be called by several threads, and reads one photograph at a time.
    """

    def __init__(self, *, seconds: float = SECONDS):
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, data: bytes) -> ContentCredentials | None:
        """The Content Credentials of an image file; None if it carries none. Never an error.

        Args:
            data: the content of the file, at most :data:`fakefaces.data.images.MAX_BYTES`.
        """
        if not any(mark in data for mark in _MARKS):
            return None
        if find_spec("c2pa") is None:
            return ContentCredentials(note=_INSTALL)
        if not self._lock.acquire(timeout=START_SECONDS + self._seconds):
            return ContentCredentials(note=_BUSY)
        try:
            answer = self._answer(data)
        except (OSError, EOFError):
            self._stop()
            return ContentCredentials(note="their reading failed, and ended the process that did it")
        finally:
            self._lock.release()
        if answer is None:
            return None
        try:
            return ContentCredentials.model_validate(answer)
        except ValidationError:
            return ContentCredentials(note="they cannot be read")

    def read_all(self, files: Sequence[bytes], *, seconds: float) -> list[ContentCredentials | None]:
        """The Content Credentials of several files; those that are left when the time is over have a note instead.

        Args:
            files: the content of each.
            seconds: after which no other one is begun.
        """
        end = time.monotonic() + seconds
        return [self.read(data) if time.monotonic() < end else _skipped(data) for data in files]

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _answer(self, data: bytes) -> Any:
        connection = self._connection or self._start()
        connection.send_bytes(data)
        if not connection.poll(self._seconds):
            self._stop()
            return {"note": f"their reading took longer than {self._seconds:g} seconds, and was given up"}
        return connection.recv()

    def _start(self) -> Connection:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        trust = environment.c2pa_trust()
        self._process = context.Process(target=serve, args=(theirs, str(trust) if trust else ""), daemon=True)
        self._process.start()
        theirs.close()
        if not self._connection.poll(START_SECONDS):
            raise OSError("it did not start")
        self._connection.recv()
        return self._connection

    def _stop(self) -> None:
        if self._connection:
            self._connection.close()
        if self._process:
            self._process.kill()
            self._process.join()
            with suppress(ValueError):
                self._process.close()
        self._connection = self._process = None
