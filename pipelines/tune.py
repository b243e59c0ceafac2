"""Tune the custom CNN with Optuna; each trial is a run nested in the study's."""

import shutil
from collections.abc import Mapping
from typing import Any

from fakefaces import runtime
from fakefaces.augmentation import Recipe
from fakefaces.base.errors import ParamsError
from fakefaces.base.files import read_json, write_json
from fakefaces.base.layout import Layout
from fakefaces.base.params import Params
from fakefaces.base.progress import progress, say
from fakefaces.base.stage import run_stage
from fakefaces.data.splits import read_split
from fakefaces.fitting import fit_view, load_view
from fakefaces.models.kinds import blueprint
from fakefaces.tracking.runs import stage_run
from fakefaces.training import Row, Schedule
from fakefaces.tuning import PrunedError, Report, Trial, best, search


def main(params: Params, layout: Layout) -> None:
    tune = params.tune
    recipe = Recipe.from_json(read_json(layout.recipe(tune.augment)))
    for place in tune.space:
        if place.split(".")[0] not in ("settings", "fit") or place.count(".") != 1:
            raise ParamsError(f"params.yaml: tune.space: '{place}' is neither settings.<name> nor fit.<name>")
    runtime.start(params.seed, params.threads)
    with stage_run("tune", role="tune") as run, progress(f"tuning {tune.kind}", tune.trials) as step:
        view = load_view(layout.view(tune.view), read_split(layout.images))
        run.params({"seed": params.seed} | tune.model_dump(exclude={"space"}))
        run.params({f"space.{key}": where.model_dump(exclude_none=True) for key, where in tune.space.items()})

        def objective(number: int, values: Mapping[str, Any], report: Report) -> float:
            found = _found(values)
            epochs = {"epochs": tune.epochs, "patience": tune.epochs}
            schedule = params.train.fit_with(found["fit"], epochs, where="tune.space")
            plan = blueprint(tune.kind, found["settings"], "params.yaml: tune.space")
            with run.child(f"trial {number}", role="trial") as trial:
                trial.params(values)
                highest, pruned = 0.0, False

                def on_epoch(row: Row) -> None:
                    nonlocal highest
                    highest = max(highest, row["val_roc_auc"])
                    trial.metrics({k: v for k, v in row.items() if k != "epoch"}, step=int(row["epoch"]))
                    report(int(row["epoch"]), highest)

                try:
                    fit_view(
                        view,
                        plan,
                        Schedule(**schedule.model_dump()),
                        recipe=recipe,
                        seed=params.seed,
                        unfinished=layout.unfinished("tune", "trials"),
                        on_epoch=on_epoch,
                    )
                except PrunedError:
                    pruned = True
                trial.tag("pruned", str(pruned).lower())
                trial.metrics({"best_val_roc_auc": highest})
            if pruned:  # told only here: an exception would close the trial's run as failed
                raise PrunedError
            return highest

        def on_trial(trial: Trial) -> None:
            step(1, "pruned" if trial.pruned else f"val_roc_auc {trial.score:.3f}")

        trials = search(
            {key: where.model_dump() for key, where in tune.space.items()},
            objective,
            trials=tune.trials,
            startup_trials=tune.startup_trials,
            seed=params.seed,
            unfinished=layout.unfinished("tune", "study"),
            on_trial=on_trial,
        )
        shutil.rmtree(layout.unfinished("tune", "trials"), ignore_errors=True)
        top = best(trials)
        found = _found(top.values if top else {})
        write_json(layout.tuned("none"), _found({}))
        write_json(layout.tuned("best"), found)
        write_json(layout.reports / "tune.json", {"trials": [vars(trial) for trial in trials]})
        run.metrics({"best_val_roc_auc": top.score if top else None, "trials": len(trials)})
        run.artifact(layout.reports / "tune.json")
        run.made(*(layout.relative(path) for path in (layout.tuned("best"), layout.reports / "tune.json")))
    pruned = sum(trial.pruned for trial in trials)
    say(f"{len(trials)} trials, {pruned} pruned; best {found}")


def _found(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Sort ``settings.dropout: 0.3`` and ``fit.learning_rate: 0.01`` into their two sections."""
    found: dict[str, dict[str, Any]] = {"settings": {}, "fit": {}}
    for place, value in values.items():
        section, key = place.split(".")
        found[section][key] = value
    return found


if __name__ == "__main__":
    run_stage(main)
