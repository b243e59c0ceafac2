"""Tune a kind of model with Optuna; each trial is a run nested in the study's."""

import shutil

from fakefaces.base.files import write_json
from fakefaces.base.leftovers import temporary_folder
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress
from fakefaces.base.stage import run_stage
from fakefaces.models import runtime
from fakefaces.tracking.runs import stage_run
from fakefaces.tracking.system_metrics import system_metrics
from fakefaces.tracking.training_runs import log_study_outputs, log_study_params
from fakefaces.tracking.trials import write_trials
from fakefaces.tuning.plots import draw_study
from fakefaces.tuning.search import best
from fakefaces.tuning.trials import STUDY_TAG, Study, StudyParams, by_section


def main(params: StudyParams, layout: Layout) -> None:
    tune = params.tune
    runtime.start(params.seed, params.threads)
    study = Study.load(params, layout)
    name = study.config.name
    with (
        stage_run("tune", role="tune", tags={STUDY_TAG: name}) as run,
        system_metrics(run),
        progress(f"tuning {tune.kind}", tune.trials) as step,
    ):
        log_study_params(run, params.seed, tune.model_dump())
        result = study.run(run, step)
        best_trial = best(result.trials)
        values = by_section(best_trial.values if best_trial else {})
        write_json(layout.tuned("none"), by_section({}))
        write_json(layout.tuned("best"), values)
        write_trials(layout.tuning_trials, result.trials)
        importances = {f"importance.{key}": value for key, value in result.importances.items()}
        run.metrics({"trial_seconds": result.seconds} | importances)
        with temporary_folder() as folder:
            for plot in draw_study(result, folder):
                run.artifact(plot)
        run.adopt(STUDY_TAG, name)
        log_study_outputs(run, layout, result.trials)
    shutil.rmtree(layout.unfinished("tune", "study"), ignore_errors=True)  # the database of a search in one process
    pruned = sum(trial.pruned for trial in result.trials)
    echo(f"{len(result.trials)} trials, {pruned} pruned, {result.seconds:.0f} s; best {values}")


if __name__ == "__main__":
    run_stage(main, StudyParams)
