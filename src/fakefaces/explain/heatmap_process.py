"""Heatmaps of networks from a process of their own, so that TensorFlow's memory can be had back for large pictures.

The process is started for the first network. It ends when a picture waits for memory that it cannot have beside it,
when nothing was asked for a while, and with the process that started it, however that ends. What passes between them
are arrays in numpy's format without pickles: pixels one way, heatmaps or the reason for their absence the other.
"""

import io
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ModelError
from fakefaces.data.images import BUDGET
from fakefaces.explain.explained_detector import ExplainedDetector
from fakefaces.explain.explanation import draw
from fakefaces.explain.heatmaps import grad_cam, shrink_heatmaps
from fakefaces.explain.part_outlines import Outlines
from fakefaces.inference.detector import NETWORK
from fakefaces.models import runtime

IDLE_SECONDS = 60
_SECONDS = 900  # for the start and a batch of heatmaps
_MEMORY = 540_000_000  # bytes of images that are not decoded while it runs; it takes up to 1,000 million itself

Heatmap = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # of one image's pixels


def load_heatmap(network: Path, threads: int) -> Heatmap:
    """Load a ``.keras`` file, or raise a ModelError; the function that draws its heatmap of uint8 (size, size, 3)."""
    runtime.start(seed=0, threads=threads, backend="tensorflow")
    loaded = runtime.load_network(network)
    return lambda pixels: shrink_heatmaps(grad_cam(loaded, pixels[None]))[0]


@dataclass(frozen=True)
class _Job:
    network: Path
    pixels: NDArray[np.uint8]  # (n, size, size, 3)
    heatmaps: Future[NDArray[np.float32]] = field(default_factory=Future)  # (n, height, width)


class HeatmapProcess:
    """Draws heatmaps as :func:`fakefaces.explain.explanation.draw` does, those of networks in a process of their own.

    A context manager; it may be called by several threads, and draws for one of them at a time.
    """

    def __init__(
        self,
        *,
        threads: int,
        idle: float = IDLE_SECONDS,
        load: Callable[[Path, int], Heatmap] = load_heatmap,
    ):
        """Start nothing yet.

        Args:
            threads: of TensorFlow.
            idle: seconds without a heatmap, after which the process ends.
            load: a function of a module, which the process calls.
        """
        self._threads, self._idle, self._load = threads, idle, load
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()  # None: look whether the process should go on
        self._owner = threading.Thread(target=self._own, daemon=True)
        self._lock = threading.Lock()  # of the two below
        self._process: BaseProcess | None = None
        self._closed = False

    def __enter__(self) -> Self:
        self._owner.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closed = True
            if self._process:
                self._process.kill()
        self._jobs.put(None)
        self._owner.join()

    def __call__(
        self, detector: ExplainedDetector, features: Sequence[NDArray[Any]], outlines: Sequence[Outlines]
    ) -> Sequence[NDArray[np.float32]]:
        """The heatmaps of images, in their order; see :func:`fakefaces.explain.explanation.draw`.

        Raises:
            ModelError: as there; or the process has failed, or was ended with the program.
        """
        if detector.metadata.extractor == "residuals":  # of its scores of parts, for which no TensorFlow is needed
            return draw(detector, features, outlines)
        job = _Job(detector.folder / NETWORK, np.stack(features))
        with self._lock:
            if self._closed:
                raise ModelError(_ENDED)
            self._jobs.put(job)
        return list(job.heatmaps.result())

    def _own(self) -> None:
        """Start the process whenever there is something to draw; a thread of its own does nothing else."""
        job: _Job | None = None
        while not self._closed:
            job = job or self._jobs.get()
            if job:
                job = self._draw_from(job)
        while not self._jobs.empty():
            if left := self._jobs.get():
                left.heatmaps.set_exception(ModelError(_ENDED))

    def _draw_from(self, job: _Job) -> _Job | None:
        """Start the process and let it draw until it is to end; the next job if it has to be another's."""
        try:
            network = job.network
            with BUDGET.hold(_MEMORY, lambda: self._jobs.put(None)), self._running(network) as connection:
                while True:
                    connection.send_bytes(_packed(job.pixels))
                    if not connection.poll(_SECONDS):
                        raise TimeoutError(f"no answer in {_SECONDS} seconds")
                    answer = _unpacked(connection.recv_bytes())
                    if answer.dtype.kind == "U":
                        job.heatmaps.set_exception(ModelError(str(answer)))
                    else:
                        job.heatmaps.set_result(answer)
                    following = self._jobs.get(timeout=self._idle)
                    if following is None or following.network != network:
                        return following
                    job = following
        except Empty:
            pass
        except Exception as error:  # whatever it is, somebody waits for an answer
            reason = " ".join(str(error).split()) or "it ended"
            said = (
                _ENDED if self._closed else f"{job.network}: the process that draws its heatmaps has failed ({reason})"
            )
            job.heatmaps.set_exception(ModelError(said))
        return None

    @contextmanager
    def _running(self, network: Path) -> Iterator[Connection]:
        """The connection to a process that is killed at the end of the block; it has no state to lose."""
        context = get_context("spawn")
        connection, theirs = context.Pipe()
        with self._lock, theirs:
            if self._closed:
                raise EOFError
            arguments = theirs, self._load, network, self._threads
            self._process = context.Process(target=_serve, args=arguments, daemon=True)
            self._process.start()
        try:
            with connection:
                yield connection
        finally:
            with self._lock:
                process, self._process = self._process, None
            process.kill()
            process.join()
            process.close()


_ENDED = "the program ended before the heatmaps were drawn"


def _serve(connection: Connection, load: Callable[[Path, int], Heatmap], network: Path, threads: int) -> None:
    """Answer until the connection is closed, which it is also when the other process is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal; whoever started this process ends it
    heatmap: Heatmap | None = None
    with suppress(EOFError, OSError):
        while True:
            pixels = _unpacked(connection.recv_bytes())
            try:
                heatmap = heatmap or load(network, threads)
                # One at a time: each is the same alone as among others, and takes less memory.
                answer: NDArray[Any] = np.stack([heatmap(image) for image in pixels])
            except ModelError as error:
                answer = np.array(str(error))
            except Exception as error:  # of TensorFlow and Keras
                reason = " ".join(str(error).split())[:200] or type(error).__name__
                answer = np.array(f"{network}: no heatmap could be drawn ({reason})")
            connection.send_bytes(_packed(answer))


def _packed(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def _unpacked(data: bytes) -> NDArray[Any]:
    return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
