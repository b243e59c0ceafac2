"""A few test images that a registered version keeps, with the scores that its evaluation gave them.

Before a server uses a version it scores them: another score says that what was loaded is not what was evaluated.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fakefaces.base.errors import ModelError
from fakefaces.base.files import read_regular
from fakefaces.data.images import MAX_BYTES
from fakefaces.inference.detector import Detector

FOLDER, SCORES = "kept_examples", "scores.json"  # in a registered model, beside its artifacts
_MAX_EXAMPLES, _MAX_TEXT = 16, 2**16
# One graph's scores on two processors differ by rounding, in the sixth digit; another network's by far more.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class KeptExamples:
    """Image files by sha256, and their scores."""

    files: Mapping[str, bytes]
    p_fake: Mapping[str, float]


def read_kept_examples(model: Path) -> KeptExamples:
    """The examples of a downloaded model, given by its folder; none where it keeps none.

    An image that was taken out, as of a person who asked for it, is left out. A ModelError where they are damaged.
    """
    folder, files = model / FOLDER, dict[str, bytes]()
    if not (folder / SCORES).is_file():
        return KeptExamples({}, {})
    try:
        scores = json.loads(read_regular(folder / SCORES, _MAX_TEXT)[:_MAX_TEXT])
        p_fake = {str(name): float(score) for name, score in scores.items()}
        if len(p_fake) > _MAX_EXAMPLES:
            raise ValueError(f"{len(p_fake)} examples")
        for name in p_fake:
            if len(name) == 64 and name.isalnum() and (folder / name).is_file():
                data = read_regular(folder / name, MAX_BYTES)
                if hashlib.sha256(data).hexdigest() != name:
                    raise ValueError(f"{name[:8]} was changed")
                files[name] = data
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{folder}: its examples are damaged ({' '.join(str(error).split())[:200]})") from None
    return KeptExamples(files, p_fake)


def check_kept_examples(detector: Detector, model: Path) -> int:
    """Score a downloaded model's examples; returns their number.

    Raises:
        ModelError: an example has no score, or another one than its evaluation gave it.
    """
    kept, labelled = read_kept_examples(model), detector.of_labelled()
    for name, data in kept.files.items():
        score, expected = labelled.score(f"example {name[:8]}", partial(bytes, data)), kept.p_fake[name]
        if score.p_fake is None:
            raise ModelError(f"{model}: it cannot score an image of its evaluation: {score.problem_detail}")
        if abs(score.p_fake - expected) > TOLERANCE:
            raise ModelError(
                f"{model}: it scores an image of its evaluation {score.p_fake:.4f}, where its evaluation has "
                f"{expected:.4f} (example {name[:8]}): it is not what was evaluated"
            )
    return len(kept.files)
