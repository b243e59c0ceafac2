"""A trained detector: a folder with all that scoring an image needs.

It holds network.onnx, the inference graph from features to p_fake, the backbone included, which decides wherever an
image is scored; network.keras, the same network to train on and to explain; and detector.json, the metadata.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import yaml
from numpy.typing import NDArray

from fakefaces.base.errors import ImageError, ModelError
from fakefaces.data import images
from fakefaces.faces.find import find_faces
from fakefaces.faces.regions import unit
from fakefaces.features.extract import extract, extract_bytes
from fakefaces.features.residuals.window import SMALLEST
from fakefaces.graphs.graph import REPLACE, Graph, load_graph
from fakefaces.inference.metadata import GRAPH as GRAPH
from fakefaces.inference.metadata import METADATA as METADATA
from fakefaces.inference.metadata import DetectorMetadata, read_metadata
from fakefaces.inference.score import PART_COLUMNS, Score

NETWORK = "network.keras"
_LOADING = 3  # bytes of memory that loading a graph takes for each of its file, at most


@dataclass(frozen=True)
class Detector:
    """An inference graph with its metadata.

    The graph leads from the features of an image, as ``metadata.spec`` describes them, to probabilities (1,): fake; or
    (5,): fake, and that each of :data:`fakefaces.data.faces.PARTS` was replaced; or (6,): these, and the unfamiliarity.
    """

    graph: Graph
    metadata: DetectorMetadata
    version: str | None = None  # of the registered model; None if it is not registered

    def read(self, data: bytes, name: str = "image") -> NDArray[Any]:
        """The features of one image file, which an ImageError calls ``name``."""
        return extract_bytes(self.metadata.spec, data, name, min_side=self.metadata.min_side)

    def of_labelled(self) -> Self:
        """The detector for images that have a label: it scores those without a face, too, so that all are evaluated."""
        return replace(self, metadata=self.metadata.model_copy(update={"needs_face": False}))

    def read_faces(
        self, data: bytes, name: str = "image"
    ) -> tuple[list[tuple[NDArray[Any], float | None]], int | None]:
        """The features and the size of each face of an image file, and the number of faces where one is needed.

        The features are of the image, and there is no size, where no face is looked for.
        """
        spec = self.metadata.spec
        with images.decoded(data, name) as pixels:
            images.require_content(pixels, name, min_side=self.metadata.min_side)
            faces = find_faces(pixels) if self.metadata.needs_face or spec.follows_face else ()
            if self.metadata.needs_face and not faces:
                raise ImageError(
                    f"{name}: no face is found in it, and this detector knows photographs of faces", "no_face"
                )
            shown = faces if spec.follows_face and faces else (None,)
            measured = [(extract(spec, pixels, face), unit(face) if face else None) for face in shown]
            return measured, len(faces) if self.metadata.needs_face else None

    def outputs(self, features: NDArray[Any], *, threads: int = 1) -> NDArray[np.float64]:
        """All outputs for features (n, ...), stacked from :meth:`read`: float64 (n, 1), (n, 5) or (n, 6), 0 to 1."""
        return self.graph.map(features, threads=threads).astype(np.float64)

    def p_fake(self, features: NDArray[Any], *, threads: int = 1) -> NDArray[np.float64]:
        """The probability of ``fake`` of images: float64 (n,); see :meth:`outputs`."""
        return self.outputs(features, threads=threads)[:, 0]

    def score(self, name: str, read: Callable[[], bytes]) -> Score:
        """Score one image by its name and a function that returns the bytes of its file or raises an ImageError.

        Of several faces the one with the highest score of fake counts, if the features are those of a face. A bad image
        gives a score with a problem, and no error.
        """
        try:
            measured, faces = self.read_faces(read(), name)
        except ImageError as error:
            return Score(path=name, problem=error.problem, problem_detail=str(error), model_version=self.version)
        scored = [(self.graph(features).tolist(), size) for features, size in measured]
        (p_fake, *others), size = max(scored, key=lambda face: face[0][0])
        familiar, unfamiliarity = self.metadata.familiar, None
        if familiar and len(others) > len(PART_COLUMNS):
            unfamiliarity = familiar.unfamiliarity(others[-1], size)
        return Score(
            path=name,
            p_fake=p_fake,
            label=self.metadata.label(p_fake),
            unsure=self.metadata.unsure(p_fake),
            faces=faces,
            log10_lr=self.metadata.log10_lr(p_fake),
            unfamiliar=None if familiar is None or unfamiliarity is None else familiar.unfamiliar(unfamiliarity),
            unfamiliarity=unfamiliarity,
            model_version=self.version,
            **({} if self.metadata.whole_fakes else dict(zip(PART_COLUMNS, others, strict=False))),
        )


def load(folder: Path, version: str | None = None) -> Detector:
    """Read a detector's folder, or raise a ModelError.

    ``version`` is that of the registered model; without it, the one that MLflow noted when it downloaded the model that
    the folder belongs to.
    """
    metadata = read_metadata(folder)  # first, because its errors are the clearer ones
    if not (folder / GRAPH).is_file() and (folder / NETWORK).is_file():
        raise ModelError(
            f"{folder}: it has no inference graph ({GRAPH}), as an earlier release trained it; export the graphs of "
            "registered versions with: fakefaces doctor --fix, and of this project's models with: dvc repro"
        )
    size = (folder / GRAPH).stat().st_size if (folder / GRAPH).is_file() else 0
    with images.BUDGET.hold(_LOADING * size):  # a page or a server may load another one while it decodes pictures
        graph = load_graph(folder / GRAPH)
    _examine(graph, metadata, folder)
    return Detector(graph, metadata, version or _registered_version(folder))


def _examine(graph: Graph, metadata: DetectorMetadata, folder: Path) -> None:
    """Score a grey image; a ModelError where graph and metadata do not fit each other, or the scores are none."""
    features = extract(metadata.spec, np.full((SMALLEST, SMALLEST, 3), 128, np.uint8))
    fields = features.dtype.fields
    described = {name: dtype.shape for name, (dtype, *_) in fields.items()} if fields else {"": features.shape}
    taken = dict(graph.inputs) if fields else dict(zip([""], graph.inputs.values(), strict=False))
    if len(graph.inputs) != len(described) or any(not _fits(taken.get(k), shape) for k, shape in described.items()):
        raise ModelError(
            f"{folder}: its graph takes features of the shapes {list(graph.inputs.values())}, its metadata describe "
            f"{list(described.values())}; {REPLACE}"
        )
    try:
        outputs = graph(features)
    except Exception as error:  # ONNX Runtime has an exception for each of its states and no common one
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{folder}: its graph cannot be computed ({reason}); {REPLACE}") from None
    if outputs.shape not in ((1,), (1 + len(PART_COLUMNS),), (2 + len(PART_COLUMNS),)):
        raise ModelError(
            f"{folder}: its graph has outputs of the shape {outputs.shape}, not (1,), (5,) or (6,); {REPLACE}"
        )
    if not ((outputs >= 0) & (outputs <= 1)).all():
        scores = ", ".join(f"{value:g}" for value in outputs)
        raise ModelError(f"{folder}: its scores are no probabilities: {scores} of a grey image; {REPLACE}")


def _fits(taken: tuple[int | str | None, ...] | None, shape: tuple[int, ...]) -> bool:
    """Whether a graph's input takes features of a shape; what it leaves open is no number."""
    if taken is None or len(taken) != len(shape):
        return False
    return all(size == wanted or not isinstance(size, int) for size, wanted in zip(taken, shape, strict=True))


def _registered_version(folder: Path) -> str | None:
    """The version in MLflow's note beside a model that was downloaded by the name of a registered version."""
    note = folder.resolve().parent.parent / "registered_model_meta"
    try:
        value = yaml.safe_load(note.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    version = value.get("model_version") if isinstance(value, dict) else None
    return None if version is None else str(version)
