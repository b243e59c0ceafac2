"""What Spark's executors do around the model, without Spark: the parts are those of the local engine, byte for byte."""

import pyarrow as pa

from fakefaces.inference.score import Prediction
from fakefaces.scoring.executor import IMAGES, ReadParts, WriteParts
from fakefaces.scoring.inputs import find_inputs
from fakefaces.scoring.job import open_job
from fakefaces.scoring.storage import Storage
from tests.scoring.conftest import IDENTITY, MeanScorer, score


def predicted(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with a prediction for each image instead of its content, as Spark and the registered model make it."""
    rows = batch.to_pylist()
    for k, row in enumerate(rows, start=1):
        content = row.pop("content")
        row["prediction"] = (
            MeanScorer().score(f"image {k}", lambda content=content: content).model_dump(exclude={"path"})
        )
        assert set(row["prediction"]) == set(Prediction.model_fields)
    return pa.RecordBatch.from_pylist(rows)


def test_the_parts_are_those_of_the_local_engine(folder, tmp_path):
    (folder / "00" / "0003.jpg").write_bytes(b"no image")
    (folder / "02" / "gone.jpg").symlink_to(tmp_path / "nothing")
    score(folder, tmp_path / "local")
    storage = Storage(str(tmp_path / "spark"))
    with open_job(storage, find_inputs(str(folder)), IDENTITY, 10) as job:
        places = pa.RecordBatch.from_pydict({"id": [0, 1, 2]})
        images = list(ReadParts(job, [0, 1, 2])([places]))
        assert [f"{field.name} {field.type}" for field in images[0].schema] == [
            column.replace("long", "int64") for column in IMAGES.split(", ")
        ]
        written = list(WriteParts(job, has_operating_point=False)(map(predicted, images)))
    assert sum(batch["images"].to_pylist()[0] for batch in written) == 26
    for name in ("part-00000.parquet", "part-00001.parquet", "part-00002.parquet"):
        assert (tmp_path / "spark" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
