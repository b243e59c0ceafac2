"""Queue of photographs under review, in the order in which they were added: scored once, never changed."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fakefaces.base.errors import ImageError
from fakefaces.data.images import read
from fakefaces.explain.explanation import Explanation
from fakefaces.provenance.credentials import ContentCredentials

MAX_REFUSED = 1000  # files that are listed with a reason; more are counted


@dataclass(frozen=True)
class Arrival:
    """A file that is to be scored."""

    name: str  # where it came from
    path: Path
    owned: bool  # an upload, which the queue keeps or removes; else a file of the user's, read where it lies


@dataclass(frozen=True)
class Photograph:
    """One photograph under review, with the champion's scores."""

    key: str  # sha256 of its bytes
    name: str  # of its file where it came from
    path: Path  # of its bytes
    p_fake: float  # 0 to 1
    predicted: str  # real or fake
    unsure: bool | None  # whether the score lies in the abstention band; None where the champion has none
    unfamiliar: bool | None  # whether unlike what the champion has learned from; None where it cannot tell
    parts: tuple[str, ...]  # suspected parts, the most suspected first
    heatmap: NDArray[np.uint8] | None  # uint8 (h, w), 0 to 255; a quarter of the memory of float32
    no_heatmap: str = ""  # why there is none
    version: str | None = None  # of the registered model that scored it
    credentials: ContentCredentials | None = None  # that it carries


@dataclass
class Queue:
    """Photographs under review, and files that were refused. Methods may be called from several threads."""

    explain: Callable[[Sequence[tuple[str, bytes]]], list[Explanation]]  # scores files, given as names and bytes
    folder: Path  # a private folder, empty at first, for the bytes of uploads
    read_credentials: Callable[[bytes], ContentCredentials | None] = lambda data: None  # that a file carries
    refused: list[tuple[str, str]] = field(default_factory=list)  # the first names and reasons
    n_refused: int = 0
    # number of photographs by the version that scored them, and whether it calls them unfamiliar
    familiarity: Counter[tuple[str | None, bool | None]] = field(default_factory=Counter)
    _photographs: list[Photograph] = field(default_factory=list)
    _by_key: dict[str, Photograph] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self._photographs)

    def add(self, arrivals: Sequence[Arrival]) -> None:
        """Score files that are not in the queue yet, all in one batch; those that are no images are refused.

        Called by one thread at a time. Whatever it raises, no upload is left behind but those in the queue.
        """
        try:
            fresh: dict[str, tuple[Arrival, bytes]] = {}
            for arrival in arrivals:
                try:
                    data = read(arrival.path)
                except ImageError as error:
                    self.refuse(arrival.name, str(error).removeprefix(f"{arrival.path}: "))
                    continue
                key = hashlib.sha256(data).hexdigest()
                if key not in self._by_key:
                    fresh.setdefault(key, (arrival, data))
            files = [(arrival.name, data) for arrival, data in fresh.values()]
            for (key, (arrival, data)), explanation in zip(
                fresh.items(), self.explain(files) if files else [], strict=True
            ):
                self._put(key, arrival, explanation, self.read_credentials(data))
        finally:
            for arrival in arrivals:
                if arrival.owned:
                    arrival.path.unlink(missing_ok=True)

    def refuse(self, name: str, reason: str) -> None:
        """Record a file that was not read."""
        with self._lock:
            self.n_refused += 1
            if len(self.refused) < MAX_REFUSED:
                self.refused.append((name, reason))

    def since(self, first: int, at_most: int) -> list[Photograph]:
        """Photographs from the position ``first`` on."""
        return self._photographs[first : first + at_most]

    def get(self, key: str) -> Photograph | None:
        """The photograph with this key, or None."""
        return self._by_key.get(key)

    def data(self, photograph: Photograph) -> bytes:
        """The bytes of a photograph, or an ImageError where its file has gone or has changed since it was scored."""
        data = read(photograph.path)
        if hashlib.sha256(data).hexdigest() != photograph.key:
            raise ImageError(f"{photograph.name}: the file has changed since it was scored; open it again")
        return data

    def _put(
        self, key: str, arrival: Arrival, explanation: Explanation, credentials: ContentCredentials | None
    ) -> None:
        score, heatmap, path = explanation.score, explanation.heatmap, arrival.path
        if score.problem or score.p_fake is None or score.label is None:
            reason = (score.problem_detail or "").removeprefix(f"{arrival.name}: ")
            self.refuse(arrival.name, reason or "it could not be scored")
            return
        if arrival.owned:
            path = arrival.path.replace(self.folder / key)
        photograph = Photograph(
            key=key,
            name=arrival.name,
            path=path,
            p_fake=score.p_fake,
            predicted=score.label,
            unsure=score.unsure,
            unfamiliar=score.unfamiliar,
            parts=explanation.parts,
            heatmap=None if heatmap is None else np.round(255 * heatmap).astype(np.uint8),
            no_heatmap=explanation.no_heatmap,
            version=score.model_version,
            credentials=credentials,
        )
        with self._lock:
            self._by_key[key] = photograph
            self._photographs.append(photograph)
            self.familiarity[photograph.version, photograph.unfamiliar] += 1
