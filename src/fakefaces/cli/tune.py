"""``fakefaces tune``."""

from typing import Annotated

import typer

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError


def tune(
    worker: Annotated[bool, typer.Option("--worker", help="Run trials of the study that is under way.")] = False,
) -> None:
    """Help the tune stage: run trials of its study until it is over. Start as many as you like, on any machine.

    OPTUNA_STORAGE names the database that they share, MLFLOW_TRACKING_URI the store of their runs.
    """
    from fakefaces.base.paths import Layout
    from fakefaces.base.progress import echo, progress
    from fakefaces.base.schema import read
    from fakefaces.models import runtime
    from fakefaces.tracking.runs import joined_run
    from fakefaces.tuning.trials import STUDY, Study, StudyParams

    if not worker:
        raise FakefacesError(
            "the study is a stage of the pipeline: dvc repro tune. To help it: fakefaces tune --worker"
        )
    if environment.study_storage() is None:
        raise FakefacesError(
            "a worker needs the database that the study is shared in, for the tune stage and for each worker: "
            "export OPTUNA_STORAGE=postgresql+pg8000://USER:PASSWORD@HOST/DATABASE"
        )
    layout = Layout(environment.workspace())
    params = read(StudyParams, layout.root / "params.yaml")
    if not layout.features(params.tune.features).is_dir() or not layout.images.is_file():
        raise FakefacesError(
            f"outputs/features/{params.tune.features} is not here yet; make it: dvc repro prepare@{params.tune.features}, "
            "or fetch it: dvc pull"
        )
    runtime.start(params.seed, params.threads)
    study = Study.load(params, layout)
    with (
        joined_run("tune", STUDY, study.plan.name) as run,
        progress(f"tuning {params.tune.kind} with others", params.tune.trials) as step,
    ):
        found = study.run(run, step)
    echo(f"the study is over: {len(found.trials)} trials")
