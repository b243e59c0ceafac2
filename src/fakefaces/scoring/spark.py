"""The engine ``spark``: parts are tasks; the model is a function of MLflow on a column of images."""

import logging
import os
import sys
import threading
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fakefaces
from fakefaces.base.errors import FakefacesError
from fakefaces.base.leftovers import temporary_folder
from fakefaces.base.progress import Step
from fakefaces.inference.metadata import read_metadata
from fakefaces.inference.packing import importable, pack
from fakefaces.scoring import executor
from fakefaces.scoring.job import Job
from fakefaces.scoring.listing import part_name
from fakefaces.scoring.model import Model
from fakefaces.scoring.pace import Pace
from fakefaces.scoring.spark_requirements import check_spark_requirements
from fakefaces.tracking.detectors import MODEL_CODE, REQUIREMENTS, pyfunc

_POLL = 2.0  # seconds between two looks at which parts are finished
_SETTINGS = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(executor.BATCH),
    "spark.sql.execution.pyspark.udf.faulthandler.enabled": "true",  # a crash of a worker is named
    "spark.executorEnv.OMP_NUM_THREADS": "1",  # the tasks are many
    "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}


def run(job: Job, remaining: list[int], step: Step, *, model: Model, master: str) -> None:
    """Score parts of a job; executors write the part files, so they must reach INPUT and OUTPUT by the same names.

    Args:
        job: the job.
        remaining: the numbers of its parts that are to be scored.
        step: is called with a number of images and a note of the pace.
        model: the detector.
        master: of Spark, such as ``local[2]`` or ``spark://host:7077``.

    Raises:
        FakefacesError: there is no PySpark or no Java, the master cannot be reached, or a task failed each time.
    """
    check_spark_requirements()
    mlflow_pyfunc = pyfunc()
    logging.getLogger("mlflow").setLevel(logging.ERROR)  # it advises another environment than the one that is meant
    with _session(master) as spark, _as_pyfunc(model) as folder:
        predict = mlflow_pyfunc.spark_udf(spark, folder, result_type=executor.prediction_type(), env_manager="local")
        read = executor.ReadParts(job, remaining)
        write = executor.WriteParts(job, read_metadata(model.folder).operating is not None)
        places = spark.range(0, len(remaining), 1, numPartitions=len(remaining))  # a task scores a part
        images = places.mapInArrow(read, executor.IMAGES)
        scored = images.withColumn("prediction", predict("content")).drop("content")
        shared = job.storage.folder is None or master.startswith("local")
        hint = "" if shared else f"; {job.storage} must be a folder that all machines of {master} share"
        _follow(job, remaining, scored.mapInArrow(write, executor.WRITTEN), step, hint)


def _follow(job: Job, remaining: list[int], written: Any, step: Step, hint: str) -> None:
    """Run Spark's job in a thread, and report the parts that appear in the output; ``hint`` ends an error."""
    failure: list[Exception] = []

    def collect() -> None:
        try:
            written.collect()
        except Exception as error:  # Spark's, Py4J's
            failure.append(error)

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    waiting = {part_name(part): part for part in remaining}
    pace = Pace(sum(map(job.size, remaining)))
    ended = False
    while not ended:
        thread.join(_POLL)
        ended = not thread.is_alive()  # before the look, which then shows all
        for name in job.storage.names() & waiting.keys():
            images = job.size(waiting.pop(name))
            step(images, pace.note(images))
    if waiting and not failure:
        raise FakefacesError(f"Spark is done, and {len(waiting):,} parts are not in {job.storage}{hint}")
    if failure:
        raise FakefacesError(
            f"Spark ended the job: {_reason(failure[0])}; finished parts are kept: run the same command again, "
            f"or finish with --engine local, which goes on after an image that ends its process{hint}"
        ) from None


def _reason(error: Exception) -> str:
    """The line of Spark's traces that says most."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "Error" in line or "exited" in line]
    return (telling or lines or [type(error).__name__])[-1][:300]


@contextmanager
def _session(master: str) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    # Not whatever python3 is on the path of the workers.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("fakefaces score")
    for key, value in _SETTINGS.items():
        builder = builder.config(key, value)
    try:
        spark = builder.getOrCreate()
    except Exception as error:  # Py4J's, which holds Java's traces
        raise FakefacesError(
            f"{master}: Spark does not start, or this master does not answer ({type(error).__name__}); check the "
            "address, and that master and workers have PySpark's version"
        ) from None
    try:
        with temporary_folder() as temporary:
            spark.sparkContext.addPyFile(_zipped(temporary))
            yield spark
    finally:
        spark.stop()


def _zipped(folder: Path) -> str:
    """The package as an archive, for executors where it is not installed."""
    root = Path(fakefaces.__file__).parent
    archive = folder / "fakefaces.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(root.rglob("*.py")):
            opened.write(path, path.relative_to(root.parent))
    return str(archive)


@contextmanager
def _as_pyfunc(model: Model) -> Iterator[str]:
    """The folder of the model as MLflow downloaded it; a detector that is not logged is saved in MLflow's format."""
    with temporary_folder() as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow, about pandas and about requirements
        downloaded = model.folder.parent.parent
        if (downloaded / "MLmodel").is_file():
            yield str(downloaded)
            return
        target = temporary / "model"
        code = pack(MODEL_CODE, temporary)
        with importable(code), redirect_stdout(sys.stderr):
            pyfunc().save_model(
                str(target),
                python_model=str(code.entry),
                code_paths=[str(code.package)],
                model_config={"threads": 1},
                artifacts={"detector": str(model.folder)},
                pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
            )
        yield str(target)
