"""A challenger in the shadow of the champion: it scores a share of the same photographs, and nobody acts on it.

A line of its log holds both scores under the sha256 of the photograph's bytes, and no name, path or content.
"""

import hashlib
import json
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from fakefaces.base.progress import echo
from fakefaces.inference.detector import Detector
from fakefaces.inference.score import Prediction

_MOST_BYTES = 64 * 2**20  # of the photographs that wait for the challenger; beyond them one is left out
_KEPT = ("p_fake", "label", "unsure", "problem")


def in_share(sha256: str, share: float) -> bool:
    """Whether a photograph is among the share that the challenger scores, 0 to 1: the same ones everywhere."""
    return int(sha256[:13], 16) / 16**13 < share


class Shadow:
    """Scores what it is offered in one thread of its own, and appends to its log; whoever offers never waits for it.

    A photograph is left out, and counted in ``lost``, where too many wait.
    """

    def __init__(self, challenger: Detector, log: Path, share: float):
        """Take a share, 0 to 1, of what is offered; ``log`` is a file that lines are appended to."""
        self.challenger, self.share, self.lost, self.scored = challenger, share, 0, 0
        self._log = log
        self._waiting: deque[tuple[str, bytes, Prediction]] = deque()
        self._bytes, self._ended, self._changed = 0, False, threading.Condition()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)

    def __enter__(self) -> Self:
        """Open the log, which is made if it is missing, and start the thread; an OSError where it cannot be written."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._log.open("a", encoding="utf-8")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Score what waits, for ten seconds at most, and close the log."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(10)
        if not self._thread.is_alive():
            self._file.close()

    def offer(self, data: bytes, champion: Prediction) -> None:
        """Offer a photograph that the champion has scored; it may be of the share or not."""
        digest = hashlib.sha256(data).hexdigest()
        if champion.p_fake is None or not in_share(digest, self.share):
            return
        with self._changed:
            if self._ended or self._bytes + len(data) > _MOST_BYTES:
                self.lost += 1
                return
            self._bytes += len(data)
            self._waiting.append((digest, data, champion))
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    return
                digest, data, champion = self._waiting.popleft()
            try:
                self._write(digest, champion, self._score(data))
                self.scored += 1
            except (OSError, ValueError) as error:  # a full disk; ValueError of a log that was closed
                self.lost += 1
                echo(f"WARNING shadow: its log cannot be written ({error})")
            finally:
                with self._changed:
                    self._bytes -= len(data)

    def _score(self, data: bytes) -> Prediction:
        try:
            return self.challenger.score("image", lambda: data)
        except Exception as error:  # of a challenger, which must not harm the champion's server
            return Prediction(problem="crashed", problem_detail=type(error).__name__)

    def _write(self, digest: str, champion: Prediction, challenger: Prediction) -> None:
        line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "event": "shadow", "sha256": digest}
        scores = {"champion": _said(champion), "challenger": _said(challenger)}
        self._file.write(json.dumps(line | scores) + "\n")
        self._file.flush()


def _said(score: Prediction) -> dict[str, object]:
    return {"version": score.model_version} | {name: getattr(score, name) for name in _KEPT}
