"""What an evaluation found, brought back from its run: the record of a model and its score of each test image."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fakefaces.base.errors import TrackingError
from fakefaces.base.files import read_json
from fakefaces.tracking import store
from fakefaces.tracking.evaluations import TRAINING_IMAGES

TESTED = "predictions.csv"


@dataclass(frozen=True)
class Evidence:
    """One model's evaluation.

    Attributes:
        model: its name in ``params.yaml``.
        digest: DVC's of its folder.
        test_digest: of the test images.
        found: the record, as in ``reports/metrics/<model>.json``.
        tested: a row a test image: ``sha256``, ``label``, ``group``, ``difficulty``, the parts, ``p_fake``.
        seen: the sha256 of the images that it was trained or chosen on; empty where that was not written down.
    """

    model: str
    digest: str
    test_digest: str
    found: dict[str, Any]
    tested: pd.DataFrame
    seen: frozenset[str] = frozenset()


def gathered(model: str, found: dict[str, Any], tested: Path) -> Evidence:
    """An evaluation from its files.

    Args:
        model: its name.
        found: the record.
        tested: the table of the test images, with a column of scores a model.
    """
    from fakefaces.data.splits import read_split

    table = read_split(tested)
    return Evidence(
        model, found["model_digest"], found["test_digest"], found, table.assign(p_fake=table[model].astype("float64"))
    )


def find(digest: str, test_digest: str | None = None) -> Evidence | None:
    """The newest finished evaluation of the detector with this digest.

    Args:
        digest: DVC's of its folder.
        test_digest: of the images that it was tested on; None: whichever.

    Returns:
        None where no run in the store has it, or the run's files are gone.
    """
    from mlflow.exceptions import MlflowException

    mlflow = store.connect()
    wanted = f"tags.role = 'evaluate' and tags.`model.digest` = '{digest}' and attributes.status = 'FINISHED'"
    if test_digest:
        wanted += f" and tags.`test.digest` = '{test_digest}'"
    runs = mlflow.search_runs(
        experiment_names=[store.EXPERIMENT],
        filter_string=wanted,
        order_by=["attributes.start_time DESC"],
        max_results=1,
        output_format="list",
    )
    for run in runs:
        model = run.data.params["model"]
        try:
            record, table = (
                Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=name))
                for name in (f"{model}.json", TESTED)
            )
        except (MlflowException, OSError):
            return None
        return replace(gathered(model, read_json(record), table), seen=_seen(mlflow, run.info.run_id))
    return None


def needed(digest: str) -> Evidence:
    """As :func:`find`, for an evaluation that must be there.

    Raises:
        TrackingError: there is none.
    """
    found = find(digest)
    if found is None:
        raise TrackingError(
            f"no evaluation of the detector {digest} in the MLflow store; check out its commit and run: dvc repro"
        )
    return found


def _seen(mlflow: Any, run_id: str) -> frozenset[str]:
    from mlflow.exceptions import MlflowException

    try:
        return frozenset(mlflow.artifacts.load_text(f"runs:/{run_id}/{TRAINING_IMAGES}").split())
    except (MlflowException, OSError):  # a run of an earlier version
        return frozenset()
