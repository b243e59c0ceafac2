"""A detector with its Keras network beside the inference graph: gradients and feature maps need it, scores do not."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from fakefaces.data.images import BUDGET
from fakefaces.inference import detector
from fakefaces.inference.detector import NETWORK, Detector
from fakefaces.models import runtime

_TENSORFLOW = 420_000_000  # bytes that images leave to it, of up to 1,000 million with its network


@dataclass(frozen=True)
class ExplainedDetector(Detector):
    """A detector whose network is loaded when it is first asked for."""

    folder: Path = Path()
    threads: int = 0  # of TensorFlow; 0 leaves their number to it

    @cached_property
    def network(self) -> Any:
        """The Keras model; its import takes seconds, and from then on images have less memory."""
        _leave_room()
        runtime.start(seed=0, threads=self.threads, backend="tensorflow")  # whose gradients Grad-CAM takes
        return runtime.load_network(self.folder / NETWORK)


@cache
def _leave_room() -> None:
    """Once in a process, however many detectors it explains."""
    BUDGET.reserve(_TENSORFLOW)


def load(folder: Path, *, threads: int = 0) -> ExplainedDetector:
    """Read a detector's folder, or raise a ModelError."""
    loaded = detector.load(folder)
    return ExplainedDetector(loaded.graph, loaded.metadata, loaded.version, folder, threads)
