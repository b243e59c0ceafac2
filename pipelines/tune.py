"""Tune the custom CNN with Optuna; each trial is a run nested in the study's."""

import tempfile
from pathlib import Path

from fakefaces.base.files import write_json
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo, progress
from fakefaces.base.stage import run_stage
from fakefaces.models import runtime
from fakefaces.tracking.runs import stage_run
from fakefaces.tuning.plots import draw
from fakefaces.tuning.search import best
from fakefaces.tuning.trials import STUDY, Study, StudyParams, sections


def main(params: StudyParams, layout: Layout) -> None:
    tune = params.tune
    runtime.start(params.seed, params.threads)
    study = Study.load(params, layout)
    name = study.plan.name
    with (
        stage_run("tune", role="tune", tags={STUDY: name}) as run,
        progress(f"tuning {tune.kind}", tune.trials) as step,
    ):
        run.params({"seed": params.seed} | tune.model_dump(exclude={"space"}))
        run.params({f"space.{key}": where.model_dump(exclude_none=True) for key, where in tune.space.items()})
        found = study.run(run, step)
        top = best(found.trials)
        values = sections(top.values if top else {})
        write_json(layout.tuned("none"), sections({}))
        write_json(layout.tuned("best"), values)
        write_json(layout.reports / "tune.json", {"trials": [vars(trial) for trial in found.trials]})
        pruned = sum(trial.pruned for trial in found.trials)
        run.metrics({"best_val_roc_auc": top.score if top else None, "trials": len(found.trials), "pruned": pruned})
        run.metrics({"trial_seconds": found.seconds})
        run.metrics({f"importance.{key}": value for key, value in found.importances.items()})
        run.artifact(layout.reports / "tune.json")
        with tempfile.TemporaryDirectory() as folder:
            for picture in draw(found, Path(folder)):
                run.artifact(picture)
        run.adopt(STUDY, name)
        run.log_outputs(*(layout.relative(path) for path in (layout.tuned("best"), layout.reports / "tune.json")))
    study.forget()
    echo(f"{len(found.trials)} trials, {pruned} pruned, {found.seconds:.0f} s; best {values}")


if __name__ == "__main__":
    run_stage(main, StudyParams)
