"""The trials of a study: trainings with sampled values, each a run nested in the study's."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from fakefaces.base import environment
from fakefaces.base.errors import ModelError
from fakefaces.base.files import read_json
from fakefaces.base.paths import Layout
from fakefaces.base.progress import Step
from fakefaces.base.schema import Count, StageParams
from fakefaces.data.splits import cv_splits, read_split
from fakefaces.models.kinds import model_spec
from fakefaces.params.train import Train
from fakefaces.params.tune import Tune
from fakefaces.tracking.runs import Run
from fakefaces.tracking.training_runs import log_epoch, log_trial
from fakefaces.tracking.trials import Trial
from fakefaces.training.augmentation import Recipe
from fakefaces.training.fit import PreparedFeatures, load_features, train_network, training_code
from fakefaces.training.loop import Row, TrainingConfig, fingerprint
from fakefaces.tuning.search import PrunedError, Report, StudyConfig, StudyResult, search, share

STUDY_TAG = "study"  # of the runs of one study, with its name


class StudyParams(StageParams):
    """What a study reads of params.yaml."""

    threads: Count
    tune: Tune
    train: Train


@dataclass(frozen=True)
class Study:
    """The study of ``params.yaml``."""

    params: StudyParams
    layout: Layout
    features: PreparedFeatures  # that are learned from
    recipe: Recipe  # of augmentation, at full strength

    @classmethod
    def load(cls, params: StudyParams, layout: Layout) -> "Study":
        """Read the features and the recipe that ``params.yaml`` names."""
        recipe = Recipe.from_json(read_json(layout.recipe(params.tune.augment)))
        split = cv_splits(read_split(layout.images))[0]
        return cls(params, layout, load_features(layout.features(params.tune.features), split), recipe)

    @cached_property
    def config(self) -> StudyConfig:
        """What is searched. The name is a digest of all that a trial depends on, so that no other study shares it."""
        tune, fit = self.params.tune, self.params.train.fit
        train, validation = self.features.train, self.features.validation
        arrays = [train.features, train.labels, validation.features, validation.labels]
        settings = [tune.model_dump(), fit.model_dump(), self.recipe.to_json(), self.params.seed, self.params.threads]
        own_code = sorted(Path(__file__).parent.glob("*.py"))
        return StudyConfig(
            name=f"fakefaces-{fingerprint(arrays, settings, [*training_code(), *own_code])}",
            space=tune.space,
            trials=tune.trials,
            startup_trials=tune.startup_trials,
            epochs=tune.epochs,
            pruner=tune.pruner,
            seed=self.params.seed,
        )

    def run(self, study_run: Run, step: Step) -> StudyResult:
        """Search in this process, or with others where ``OPTUNA_STORAGE`` names a database; ``step`` counts trials."""

        def on_trial(trial: Trial) -> None:
            step(1, "pruned" if trial.pruned else f"val_roc_auc {trial.score:.3f}")

        objective = partial(self.run_trial, study_run)
        if storage_url := environment.study_storage():
            result = share(self.config, objective, storage_url=storage_url, on_trial=on_trial)
        else:
            result = search(self.config, objective, folder=self.layout.unfinished("tune", "study"), on_trial=on_trial)
        shutil.rmtree(self.layout.unfinished("tune", "trials"), ignore_errors=True)
        return result

    def run_trial(self, study_run: Run, number: int, values: Mapping[str, Any], report: Report) -> float:
        """Train with sampled values, and return the highest validation ROC AUC of an epoch.

        Raises:
            PrunedError: the trial was pruned, or its loss is not finite.
        """
        tune, sampled = self.params.tune, by_section(values)
        epochs = {"epochs": tune.epochs, "patience": tune.epochs}
        config = TrainingConfig(
            self.params.train.fit_with(sampled["fit"], epochs, where="tune.space"),
            self.recipe.with_strength(sampled["augment"].get("strength", 1.0)),
            self.params.seed,
        )
        spec = model_spec(tune.kind, sampled["settings"], "params.yaml: tune.space")
        problem = ""
        with study_run.child(f"trial {number}", role="trial", tags={STUDY_TAG: self.config.name}) as run:
            run.params({"seed": self.params.seed} | dict(values))
            highest = 0.0

            def on_epoch(row: Row) -> None:
                nonlocal highest
                highest = max(highest, row["val_roc_auc"])
                log_epoch(run, row)
                report(int(row["epoch"]), highest)

            try:
                _, state = train_network(
                    self.features, spec, config, unfinished=self.layout.unfinished("tune", "trials"), on_epoch=on_epoch
                )
                run.speed(state.epoch * len(self.features.train.labels), state.seconds)
            except PrunedError:
                problem = "pruned"
            except ModelError as error:
                problem = str(error)
            log_trial(run, highest, problem)
        if problem:  # raised outside of the run, which would end as failed
            raise PrunedError
        return highest


def by_section(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Sort values by section: ``fit.learning_rate: 0.01`` to ``{"fit": {"learning_rate": 0.01}, ...}``."""
    sections: dict[str, dict[str, Any]] = {"settings": {}, "fit": {}, "augment": {}}
    for name, value in values.items():
        section, key = name.split(".")
        sections[section][key] = value
    return sections
