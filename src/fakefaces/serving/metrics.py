"""What the HTTP server counts, for Prometheus: requests, images, scores, and which version is in use."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from fakefaces.inference.score import Prediction
from fakefaces.web.deployed import Change, Kind

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SCORES = tuple(k / 10 for k in range(1, 11))


class Metrics:
    """The metrics of one server, in a registry of their own. Labels take few values: no path, no name, no client."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter("fakefaces_requests", "Answers.", ["route", "status"], registry=registry)
        self._seconds = Histogram(
            "fakefaces_request_seconds",
            "From a request's header to its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._running = Gauge("fakefaces_requests_in_progress", "Requests not answered yet.", registry=registry)
        self._images = Counter(
            "fakefaces_images", "Images, by label or by problem.", ["version", "outcome"], registry=registry
        )
        self._unsure = Counter("fakefaces_images_unsure", "In the abstention band.", ["version"], registry=registry)
        self._scores = Histogram(
            "fakefaces_score", "The probability of fake.", ["version"], buckets=_SCORES, registry=registry
        )
        self._polls = Counter("fakefaces_champion_changes", "What polls found out.", ["kind"], registry=registry)
        self._current = Gauge(
            "fakefaces_champion_current", "1: the version in use is known to be the alias's.", registry=registry
        )
        self._model = Gauge("fakefaces_model_info", "1 for the version in use.", ["uri"], registry=registry)
        self._lost = Counter("fakefaces_log_lines_lost", "Nobody read the log fast enough.", registry=registry)
        for kind in Kind:
            self._polls.labels(kind)
        self._current.set(1)

    def started(self) -> None:
        """A request has begun."""
        self._running.inc()

    def answered(self, route: str, status: int, seconds: float) -> None:
        """It has ended."""
        self._running.dec()
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def scored(self, scores: Iterable[Prediction]) -> None:
        """Images were scored, or refused."""
        for score in scores:
            version = score.model_version or ""
            self._images.labels(version, score.problem or score.label or "").inc()
            if score.p_fake is not None:
                self._scores.labels(version).observe(score.p_fake)
            if score.unsure:
                self._unsure.labels(version).inc()

    def in_use(self, uri: str) -> None:
        """A version is in use, and no other."""
        self._model.clear()
        self._model.labels(uri).set(1)

    def changed(self, change: Change) -> None:
        """A poll found something out."""
        self._polls.labels(change.kind).inc()
        self._current.set(change.kind in (Kind.SWITCHED, Kind.CURRENT))
        if change.kind == Kind.SWITCHED:
            self.in_use(change.uri)

    def log_line_lost(self) -> None:
        """A line of the log was dropped."""
        self._lost.inc()

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)
