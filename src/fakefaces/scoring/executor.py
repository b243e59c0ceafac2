"""What Spark's executors do around the registered model: read the images of parts, and write the rows of parts."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from fakefaces.base.errors import ImageError
from fakefaces.inference.file_facts import FileFacts, file_facts
from fakefaces.inference.score import COLUMNS, Prediction, Score
from fakefaces.scoring.addresses import public
from fakefaces.scoring.ahead import ReadAhead
from fakefaces.scoring.job import Job
from fakefaces.scoring.reading import Input
from fakefaces.scoring.rows import Row, to_row

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 16  # images that are in a batch, between the steps and in the model
# of ReadParts; the facts are FileFacts as JSON, null where the file cannot be read
IMAGES = "part long, offset long, content binary, problem string, detail string, facts string"
WRITTEN = "part long, images long"  # of WriteParts


@dataclass(frozen=True)
class ReadParts:
    """From places in a list of parts to the images of these parts, in order."""

    job: Job
    parts: list[int]

    def __call__(self, batches: Iterable["pa.RecordBatch"]) -> Iterator["pa.RecordBatch"]:
        """Map batches with a column ``id`` to batches of :data:`IMAGES`.

        An image that cannot be read has no bytes, but a problem: the model is given a row for each.
        """
        import pyarrow as pa

        for part in [self.parts[place] for batch in batches for place in batch.column(0).to_pylist()]:
            images = enumerate(self._read(self.job.inputs(part)))
            while chunk := list(islice(images, BATCH)):
                rows = [(part, offset, *image) for offset, image in chunk]
                kinds = (pa.int64(), pa.int64(), pa.binary(), pa.string(), pa.string(), pa.string())
                names = ("part", "offset", "content", "problem", "detail", "facts")
                columns = zip(zip(*rows, strict=True), kinds, strict=True)
                yield pa.RecordBatch.from_arrays([pa.array(values, kind) for values, kind in columns], names)

    def _read(self, inputs: list[Input]) -> Iterator[tuple[bytes, str | None, str | None, str | None]]:
        with ReadAhead(self.job.frozen.content) as ahead:
            ahead.add(inputs)
            while ahead:
                _, read = ahead.take()
                try:
                    data = read()
                    yield data, None, None, file_facts(data).model_dump_json()
                except ImageError as error:
                    yield b"", error.problem, str(error), None


@dataclass(frozen=True)
class WriteParts:
    """From the images' predictions to part files; each is written when its last image has come."""

    job: Job
    has_operating_point: bool

    def __call__(self, batches: Iterable["pa.RecordBatch"]) -> Iterator["pa.RecordBatch"]:
        """Map batches of part, offset, problem, detail, facts and prediction to batches of :data:`WRITTEN`."""
        import pyarrow as pa

        rows: dict[int, dict[int, Row]] = {}
        inputs: dict[int, list[Input]] = {}
        for batch in batches:
            for row in batch.to_pylist():
                part, offset = row["part"], row["offset"]
                if part not in inputs:
                    inputs[part], rows[part] = self.job.inputs(part), {}
                image = inputs[part][offset]
                score = self._score(image, row["prediction"], row["problem"], row["detail"])
                facts = FileFacts.model_validate_json(row["facts"]) if row["facts"] else None
                rows[part][offset] = to_row(score, image.key, facts)
                if len(rows[part]) == len(inputs[part]):
                    self.job.write(part, [rows[part][k] for k in range(len(inputs[part]))])
                    yield pa.RecordBatch.from_pydict({"part": [part], "images": [len(rows[part])]})
                    del inputs[part], rows[part]

    def _score(self, image: Input, prediction: dict[str, object], problem: str | None, detail: str | None) -> Score:
        name, version = public(image.key), self.job.frozen.model.version
        if not problem and prediction["p_fake"] is None:
            problem = str(prediction["problem"])
            sentence = re.sub(r"^image \d+: ", "", str(prediction["problem_detail"]))
            detail = f"{name}: {sentence}"  # the model knows a number in a batch, and no name
        if problem:
            return Score(path=name, problem=problem, problem_detail=detail, model_version=version)
        values = {key: _none_for_nan(value) for key, value in prediction.items() if key in COLUMNS} | {
            # MLflow writes null as False, "None" or "nan" where others of the batch are not null.
            "unsure": prediction["unsure"] if self.has_operating_point else None,
            "problem": None,
            "problem_detail": None,
            "model_version": version,
        }
        return Score.model_validate({"path": name} | values)


def _none_for_nan(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


def prediction_type() -> str:
    """The columns of a prediction as Spark's struct; integers as double, since MLflow cannot make null an integer."""
    from fakefaces.scoring.rows import schema

    names = {"string": "string", "double": "double", "int64": "double", "bool": "boolean"}
    fields = (schema().field(name) for name in Prediction.model_fields)
    return ", ".join(f"{field.name} {names[str(field.type)]}" for field in fields)
