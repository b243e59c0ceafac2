"""The columns of a score, which ``fakefaces predict`` and ``score``, the registered model and its server share."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1  # counts up where a column changes its name, its type or its meaning

# Why an image has no score.
PROBLEMS = {
    "missing": "there is no such file or address",
    "unreadable": "it exists and cannot be read",
    "empty": "it has no bytes",
    "too_large": "it has more bytes than are read",
    "too_many_pixels": "it has more pixels than are decoded",
    "not_an_image": "it is of no format that is read",
    "broken": "it is truncated or corrupt",
    "too_small": "it has fewer pixels a side than images of the detector's training had to have",
    "flat": "it has one colour all over",
    "no_face": "no face is found in it, and the photographs of the detector's training show faces",
    "not_base64": "it was sent as text that is not base64",
    "crashed": "its scoring failed in a way that nobody foresaw, or ended the process that did it",
}


class Prediction(BaseModel):
    """What a detector says of one image; its fields are columns in this order. All are null where there is a problem.

    ``faces`` is null for a detector whose photographs show none, ``unfamiliar`` and ``unfamiliarity`` for one that has
    not learned what is unfamiliar.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    p_fake: float | None = None  # the probability of fake, 0 to 1
    # ``fake`` or ``real``, by the operating threshold, or else the detector's; MLflow knows no Literal
    label: str | None = Field(default=None, pattern="^(fake|real)$")
    unsure: bool | None = None  # whether in the abstention band; null where the detector has no operating point
    p_left_eye: float | None = None  # that this part was replaced, 0 to 1; null where the detector scores no parts
    p_right_eye: float | None = None
    p_nose: float | None = None
    p_mouth: float | None = None
    faces: int | None = None  # number of faces found
    unfamiliar: bool | None = None  # whether unlike what the detector has learned from
    problem: str | None = None  # one of PROBLEMS; null where the image was scored
    problem_detail: str | None = None  # a sentence that names the image and says what is wrong with it
    model_version: str | None = None  # of the registered model; null for a detector that is not registered
    # how many times as probable, as a power of ten, the score is of a fake than of a real; null where not calibrated
    log10_lr: float | None = None
    unfamiliarity: float | None = None  # how unlike what the detector has learned from, 0 to 1; 1 for a face's size

    @property
    def parts(self) -> dict[str, float] | None:
        """The score of each of :data:`fakefaces.data.faces.PARTS`; None if the detector does not score parts."""
        scores = {name.removeprefix("p_"): getattr(self, name) for name in PART_COLUMNS}
        return None if None in scores.values() else scores


class Score(Prediction):
    """The prediction for one image that has a path or an address."""

    path: str

    def row(self) -> dict[str, Any]:
        """The values by column, in the order of :data:`COLUMNS`."""
        return {name: getattr(self, name) for name in COLUMNS}


PART_COLUMNS = ("p_left_eye", "p_right_eye", "p_nose", "p_mouth")
COLUMNS = ("path", *Prediction.model_fields)
