"""A study of trainings with Optuna: seeded, pruned, and gone on with after a kill."""

import logging
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NAME = "study"


@dataclass(frozen=True)
class Trial:
    """One completed or pruned trial.

    Attributes:
        number: from 0.
        values: what was tried, by name.
        score: the best validation ROC AUC; None where it was pruned.
        pruned: whether it was stopped early.
    """

    number: int
    values: dict[str, Any]
    score: float | None
    pruned: bool


Report = Callable[[int, float], None]
Objective = Callable[[int, Mapping[str, Any], Report], float]


class PrunedError(Exception):
    """Raised by ``report`` to end a trial that is not worth going on with."""


def search(
    space: Mapping[str, Mapping[str, Any]],
    objective: Objective,
    *,
    trials: int,
    startup_trials: int,
    seed: int,
    unfinished: Path,
    on_trial: Callable[[Trial], None],
) -> list[Trial]:
    """Look for the values that maximise an objective: a TPE sampler, a median pruner.

    Trials are kept in a file as they end. If the process is killed, the next call with the same folder goes
    on: no completed trial is run again, the interrupted one is, and the result is that of an undisturbed
    search, because each trial's sampler is seeded by the seed and the trial's place.

    J. Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011 (TPE).

    Args:
        space: for each name ``choices``, or ``low``, ``high`` and ``log``.
        objective: called with the trial's place, its values, and ``report(epoch, score)``, which
            raises :class:`PrunedError` when the score is below the median of the others at that epoch.
        trials: how many, pruned ones included.
        startup_trials: drawn at random, and never pruned.
        seed: of the sampler.
        unfinished: folder for the study's file.
        on_trial: called after each trial.

    Returns:
        The trials, in order.
    """
    import optuna

    optuna.logging.set_verbosity(logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    unfinished.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{unfinished / 'study.db'}",
        study_name=_NAME,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=startup_trials, n_warmup_steps=1),
    )
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # its process is gone

    def run(trial: Any) -> float:
        place = len(_ended(study))
        values = {name: _suggest(trial, name, where) for name, where in space.items()}

        def report(epoch: int, score: float) -> None:
            trial.report(score, epoch)
            if trial.should_prune():
                raise PrunedError

        try:
            return objective(place, values, report)
        except PrunedError:
            raise optuna.TrialPruned from None

    for trial in _ended(study):
        on_trial(trial)
    while (place := len(_ended(study))) < trials:
        study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=startup_trials,
            multivariate=True,
            group=False,
            constant_liar=False,
            seed=seed + place,
        )
        study.optimize(run, n_trials=1)
        on_trial(_ended(study)[-1])
    found = _ended(study)
    study._storage.remove_session()
    shutil.rmtree(unfinished, ignore_errors=True)
    return found


def best(trials: list[Trial]) -> Trial | None:
    """The completed trial with the highest score, the earliest among equals; None if there is none."""
    done = [trial for trial in trials if trial.score is not None]
    return max(done, key=lambda trial: (trial.score, -trial.number)) if done else None


def _ended(study: Any) -> list[Trial]:
    from optuna.trial import TrialState

    frozen = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    return [
        Trial(place, dict(trial.params), trial.value if trial.state == TrialState.COMPLETE else None,
              trial.state == TrialState.PRUNED)
        for place, trial in enumerate(frozen)
    ]  # fmt: skip


def _suggest(trial: Any, name: str, where: Mapping[str, Any]) -> Any:
    if where["choices"] is not None:
        return trial.suggest_categorical(name, where["choices"])
    return trial.suggest_float(name, where["low"], where["high"], log=where["log"])
