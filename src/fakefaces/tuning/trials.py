"""What a trial of the tune stage is: a fit with other values, a run nested in the study's."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fakefaces.base import environment
from fakefaces.base.errors import ModelError
from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.base.progress import Step
from fakefaces.base.schema import Count, StageParams
from fakefaces.data.splits import read_split
from fakefaces.models.kinds import blueprint
from fakefaces.params.train import Train
from fakefaces.params.tune import Tune
from fakefaces.tracking.runs import Run
from fakefaces.training.augmentation import Recipe
from fakefaces.training.fit import View, code, fit_view, load_view
from fakefaces.training.loop import Row, Schedule, fingerprint
from fakefaces.tuning.search import Found, Plan, PrunedError, Report, Trial, search, share

STUDY = "study"  # the tag by which the runs of one study are known


class StudyParams(StageParams):
    """What a study reads of params.yaml."""

    threads: Count
    tune: Tune
    train: Train


@dataclass(frozen=True)
class Study:
    """The study of ``params.yaml`` on a view.

    Attributes:
        params: all of them.
        layout: where things lie.
        view: what is learned from.
        recipe: of augmentation, at its full strength.
    """

    params: StudyParams
    layout: Layout
    view: View
    recipe: Recipe

    @classmethod
    def load(cls, params: StudyParams, layout: Layout) -> "Study":
        """Read the view and the recipe that the study asks for."""
        recipe = Recipe.from_json(read_json(layout.recipe(params.tune.augment)))
        return cls(params, layout, load_view(layout.features(params.tune.features), read_split(layout.images)), recipe)

    @cached_property
    def plan(self) -> Plan:
        """What is looked for. The name is a digest of all that a trial depends on, so no other study has it."""
        tune, fit = self.params.tune, self.params.train.fit
        arrays = [self.view.train.views, self.view.train.labels, self.view.validation.views]
        settings = [tune.model_dump(), fit.model_dump(), self.recipe.to_json(), self.params.seed, self.params.threads]
        here = sorted(Path(__file__).parent.glob("*.py"))
        return Plan(
            name=f"fakefaces-{fingerprint(arrays, settings, [*code(), *here])}",
            space={name: where.model_dump() for name, where in tune.space.items()},
            trials=tune.trials,
            startup_trials=tune.startup_trials,
            epochs=tune.epochs,
            pruner=tune.pruner,
            seed=self.params.seed,
        )

    def run(self, within: Run, step: Step) -> Found:
        """Search, alone in an embedded file, or with others where ``OPTUNA_STORAGE`` names a database."""

        def objective(number: int, values: Mapping[str, Any], report: Report) -> float:
            return self.trial(within, number, values, report)

        def on_trial(trial: Trial) -> None:
            step(1, "pruned" if trial.pruned else f"val_roc_auc {trial.score:.3f}")

        storage = environment.study_storage()
        if storage:
            found = share(self.plan, objective, storage=storage, on_trial=on_trial)
        else:
            found = search(self.plan, objective, folder=self._unfinished("study"), on_trial=on_trial)
        shutil.rmtree(self._unfinished("trials"), ignore_errors=True)
        return found

    def forget(self) -> None:
        """Remove the embedded study, once what it found is written."""
        shutil.rmtree(self._unfinished("study"), ignore_errors=True)

    def trial(self, within: Run, number: int, values: Mapping[str, Any], report: Report) -> float:
        """Fit with these values.

        Returns:
            The highest validation ROC AUC of an epoch.

        Raises:
            PrunedError: the trial was given up, or its loss is no number any more.
        """
        tune, found = self.params.tune, sections(values)
        epochs = {"epochs": tune.epochs, "patience": tune.epochs}
        schedule = self.params.train.fit_with(found["fit"], epochs, where="tune.space")
        plan = blueprint(tune.kind, found["settings"], "params.yaml: tune.space")
        given_up = ""
        with within.child(f"trial {number}", role="trial", tags={STUDY: self.plan.name}) as run:
            run.params({"seed": self.params.seed} | dict(values))
            highest = 0.0

            def on_epoch(row: Row) -> None:
                nonlocal highest
                highest = max(highest, row["val_roc_auc"])
                run.metrics({key: value for key, value in row.items() if key != "epoch"}, step=int(row["epoch"]))
                report(int(row["epoch"]), highest)

            try:
                _, state = fit_view(
                    self.view,
                    plan,
                    Schedule(**schedule.model_dump()),
                    recipe=self.recipe.at(found["augment"].get("strength", 1.0)),
                    seed=self.params.seed,
                    unfinished=self._unfinished("trials"),
                    on_epoch=on_epoch,
                )
                run.speed(state.epoch * len(self.view.train.labels), state.seconds)
            except PrunedError:
                given_up = "pruned"
            except ModelError as error:
                given_up = str(error)
            run.tag("given_up", given_up)
            run.metrics({"best_val_roc_auc": highest})
        if given_up:  # told only here: an exception would close the trial's run as failed
            raise PrunedError
        return highest

    def _unfinished(self, name: str) -> Path:
        return self.layout.unfinished("tune", name)


def sections(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Sort ``settings.dropout: 0.3`` and ``fit.learning_rate: 0.01`` into their sections."""
    found: dict[str, dict[str, Any]] = {"settings": {}, "fit": {}, "augment": {}}
    for place, value in values.items():
        section, key = place.split(".")
        found[section][key] = value
    return found
