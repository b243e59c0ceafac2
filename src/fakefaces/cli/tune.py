"""``fakefaces tune``."""

from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError


def tune(
    worker: Annotated[bool, typer.Option("--worker", help="Run trials of a study that is in progress.")] = False,
) -> None:
    """Run trials of the tune stage's study, in parallel with it and with other workers, until the study is complete.

    OPTUNA_STORAGE is the database that they share, MLFLOW_TRACKING_URI the store of their runs.
    """
    from fakefaces.base.paths import Layout
    from fakefaces.base.progress import echo, progress
    from fakefaces.base.schema import read
    from fakefaces.models import runtime
    from fakefaces.tracking.runs import joined_run
    from fakefaces.tuning.trials import STUDY_TAG, Study, StudyParams

    if not worker:
        raise FakefacesError(
            "the study is a stage of the pipeline: dvc repro tune runs it, fakefaces tune --worker adds a worker to it"
        )
    if environment.study_storage() is None:
        raise FakefacesError(
            "OPTUNA_STORAGE is not set; the tune stage and all its workers need the database that they share: "
            "export OPTUNA_STORAGE=postgresql+pg8000://USER:PASSWORD@HOST/DATABASE"
        )
    layout = Layout(environment.workspace())
    params = read(StudyParams, layout.root / "params.yaml")
    if not layout.features(params.tune.features).is_dir() or not layout.images.is_file():
        raise FakefacesError(
            f"outputs/features/{params.tune.features} is missing; make it with "
            f"dvc repro prepare@{params.tune.features}, or download it with dvc pull"
        )
    runtime.start(params.seed, params.threads)
    study = Study.load(params, layout)
    run = joined_run("tune", STUDY_TAG, study.config.name)
    with progress(f"tuning {params.tune.kind} as a worker", params.tune.trials) as step:
        trials = study.run(run, step).trials
    echo(f"the study is complete: {len(trials)} trials")
