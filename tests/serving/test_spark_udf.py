"""The registered model through MLflow's ``spark_udf``, in Spark's local mode."""

import os
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from fakefaces.inference import detector
from fakefaces.inference.predict import score_files
from fakefaces.inference.score import Prediction
from fakefaces.tracking.detectors import fetch_detector, pyfunc
from tests.serving.conftest import photographs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [
    pytest.mark.spark,
    pytest.mark.parametrize("tracked", ["sqlite"], indirect=True),
    pytest.mark.filterwarnings("ignore"),  # PySpark's own, of pandas 3 and of sockets
]
CHAMPION = "models:/fake-faces@champion"


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> Iterator["SparkSession"]:
    sql = pytest.importorskip("pyspark.sql", reason="the extra 'spark' is not installed")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Java is not on the PATH")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    # In a batch with and without problems MLflow makes the text 'nan' of null, and False of a null boolean.
    session = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "1").getOrCreate()
    yield session
    session.stop()


def test_a_column_of_bytes_becomes_a_struct_with_all_columns(registered, spark):
    files = photographs(registered)[:60]
    contents = [(str(path), path.read_bytes()) for path in files]
    contents[7] = (contents[7][0], b"not an image")
    frame = spark.createDataFrame(contents, "path string, content binary").repartition(4)
    udf = pyfunc().spark_udf(spark, CHAMPION, env_manager="local")
    rows = {row["path"]: row["p"].asDict() for row in frame.select("path", udf("content").alias("p")).collect()}
    assert len(rows) == len(files)
    bad = rows.pop(contents[7][0])
    assert (bad["problem"], bad["model_version"]) == ("not_an_image", "1")
    assert [bad[name] for name in ("p_fake", "label", "unsure", "p_nose", "faces")] == [None] * 5
    alone = score_files(detector.load(fetch_detector(CHAMPION)), files[:7] + files[8:], threads=2)
    assert rows == {score.path: score.model_dump(exclude={"path"}) for score in alone}
    assert set(bad) == set(Prediction.model_fields)
