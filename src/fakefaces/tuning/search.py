"""A search with Optuna: seeded, pruned, gone on with after a kill, and shared by many processes where one is asked for.

J. Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011 (TPE).
L. Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization", JMLR 18 (2018).
"""

import logging
import math
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakefaces.tracking import locks

_POLL = 1.0  # seconds between two looks at a study whose last trials run elsewhere
_RETRIES = 3  # of a trial whose process has died


@dataclass(frozen=True)
class Plan:
    """What is looked for, and how.

    Attributes:
        name: of the study; equal names share their trials.
        space: for each value ``choices``, or ``low``, ``high`` and ``log``.
        trials: how many, pruned ones included.
        startup_trials: drawn at random before the sampler learns, and never pruned by the median.
        epochs: that a trial reports at most.
        pruner: ``median``, ``hyperband`` or ``none``.
        seed: of the sampler.
    """

    name: str
    space: Mapping[str, Mapping[str, Any]]
    trials: int
    startup_trials: int
    epochs: int
    pruner: str
    seed: int


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


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        trials: in order.
        seconds: that they took together, whichever process ran them.
        importances: of each value for the score (fANOVA), which sum to 1; empty where too few trials were completed.
    """

    trials: list[Trial]
    seconds: float
    importances: dict[str, float]


Report = Callable[[int, float], None]
Objective = Callable[[int, Mapping[str, Any], Report], float]
OnTrial = Callable[[Trial], None]


class PrunedError(Exception):
    """Raised by ``report`` to end a trial that is not worth going on with."""


def search(plan: Plan, objective: Objective, *, folder: Path, on_trial: OnTrial) -> Found:
    """Look for the values that maximise an objective, in one process, the same to the last digit each time.

    Trials are kept in a file as they end. If the process is killed, the next call with the same folder goes on: no
    completed trial is run again, the interrupted one is, and the result is that of an undisturbed search, because
    each trial's sampler is seeded by the seed and the trial's number.

    Args:
        plan: what is looked for.
        objective: called with the trial's number, its values, and ``report(epoch, score)``, which raises
            :class:`PrunedError` when the pruner gives the trial up.
        folder: for the study's file; it is left there.
        on_trial: called after each trial, those of a killed process first.
    """
    _quiet()
    folder.mkdir(parents=True, exist_ok=True)
    study = _only_ended(folder / f"{plan.name}.db", plan)
    for trial in _ended(study):
        on_trial(trial)
    while (place := len(_ended(study))) < plan.trials:
        study.sampler = _sampler(plan, place, several=False)
        study.optimize(_called(plan, objective), n_trials=1)
        on_trial(_ended(study)[-1])
    found = _found(study, plan)
    _close(study)
    return found


def share(plan: Plan, objective: Objective, *, storage: str, on_trial: OnTrial, heartbeat: int = 30) -> Found:
    """Take part in a search that any number of processes on any machines share; return when it is over.

    A process that dies leaves its trial without a heartbeat; the others notice and run it again. Which process
    runs which trial is chance, so a shared search is not the same each time.

    Args:
        plan: what is looked for; the name is the study's.
        objective: as for :func:`search`.
        storage: the database.
        on_trial: called after each trial that this process sees end.
        heartbeat: seconds; after three of them without one a trial is given up.
    """
    import optuna
    from optuna.trial import TrialState

    _quiet()
    with locks.exclusively(storage, "study"):  # two first starts would both make the tables
        backend = optuna.storages.RDBStorage(
            storage,
            heartbeat_interval=heartbeat,
            grace_period=3 * heartbeat,
            heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=_RETRIES),
        )
        study = _study(backend, plan)
    told = 0
    while True:
        with ExitStack() as asking:
            asking.enter_context(locks.exclusively(storage, "ask"))  # so that there are never too many
            optuna.storages.fail_stale_trials(study)
            running = len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))
            ended = _ended(study)
            for trial in ended[told:]:
                on_trial(trial)
            told = len(ended)
            if told >= plan.trials:
                break
            if told + running < plan.trials:
                study.sampler = _sampler(plan, len(study.get_trials(deepcopy=False)), several=True)
                study.optimize(_called(plan, objective, started=asking.close), n_trials=1)
                continue
        time.sleep(_POLL)
    found = _found(study, plan)
    _close(study)
    return found


def best(trials: list[Trial]) -> Trial | None:
    """The completed trial with the highest score, the earliest among equals; None if there is none."""
    done = [trial for trial in trials if trial.score is not None]
    return max(done, key=lambda trial: (trial.score, -trial.number)) if done else None


def _called(plan: Plan, objective: Objective, started: Callable[[], None] = lambda: None) -> Callable[[Any], float]:
    """The objective as Optuna calls it."""
    import optuna

    def run(trial: Any) -> float:
        started()
        values = {name: _suggest(trial, name, where) for name, where in plan.space.items()}

        def report(epoch: int, score: float) -> None:
            trial.report(score, epoch)
            if trial.should_prune():
                raise PrunedError

        try:
            return objective(trial.number, values, report)
        except PrunedError:
            raise optuna.TrialPruned from None

    return run


def _suggest(trial: Any, name: str, where: Mapping[str, Any]) -> Any:
    if where["choices"] is not None:
        return trial.suggest_categorical(name, where["choices"])
    return trial.suggest_float(name, where["low"], where["high"], log=where["log"])


def _sampler(plan: Plan, place: int, several: bool) -> Any:
    """TPE with every argument said, those too that Optuna will take away: a changed default changes the result."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return optuna.samplers.TPESampler(
            consider_prior=True,
            prior_weight=1.0,
            consider_magic_clip=True,
            consider_endpoints=False,
            n_startup_trials=plan.startup_trials,
            n_ei_candidates=24,
            gamma=lambda n: min(math.ceil(0.1 * n), 25),
            weights=_weights,
            seed=plan.seed + place,
            multivariate=True,
            group=False,
            warn_independent_sampling=False,
            constant_liar=several,  # trials that run elsewhere count as bad ones, so that no two are alike
            constraints_func=None,
        )


def _weights(n: int) -> Any:
    """Of the last 25 trials all one, of older ones less."""
    import numpy as np

    return np.ones(n) if n < 25 else np.concatenate([np.linspace(1.0 / n, 1.0, num=n - 25), np.ones(25)])


def _pruner(plan: Plan) -> Any:
    import optuna

    if plan.pruner == "median":
        return optuna.pruners.MedianPruner(
            n_startup_trials=plan.startup_trials, n_warmup_steps=1, interval_steps=1, n_min_trials=1
        )
    if plan.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(
            min_resource=1, max_resource=plan.epochs, reduction_factor=3, bootstrap_count=0
        )
    return optuna.pruners.NopPruner()


def _study(storage: Any, plan: Plan) -> Any:
    import optuna

    return optuna.create_study(
        storage=storage, study_name=plan.name, direction="maximize", load_if_exists=True, pruner=_pruner(plan)
    )


def _only_ended(path: Path, plan: Plan) -> Any:
    """The study in a file, without what killed processes left in it.

    A trial that did not end would hold a number, on which Hyperband's brackets depend. So the study is written anew
    with the others, and put in the place of the old one.
    """
    import optuna

    study = _study(optuna.storages.RDBStorage(f"sqlite:///{path}"), plan)
    trials = study.get_trials()
    kept = [trial for trial in trials if trial.state.name in ("COMPLETE", "PRUNED")]
    if len(kept) == len(trials):
        return study
    _close(study)
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    study = _study(optuna.storages.RDBStorage(f"sqlite:///{aside}"), plan)
    study.add_trials(kept)
    _close(study)
    aside.replace(path)
    return _study(optuna.storages.RDBStorage(f"sqlite:///{path}"), plan)


def _ended(study: Any) -> list[Trial]:
    return [
        Trial(
            number=place,
            values=dict(trial.params),
            score=trial.value if trial.state.name == "COMPLETE" else None,
            pruned=trial.state.name == "PRUNED",
        )
        for place, trial in enumerate(_frozen(study))
    ]


def _frozen(study: Any) -> list[Any]:
    from optuna.trial import TrialState

    return list(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


def _found(study: Any, plan: Plan) -> Found:
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    seconds = sum(trial.duration.total_seconds() for trial in _frozen(study) if trial.duration)
    trials, importances = _ended(study), {}
    if len({trial.score for trial in trials if trial.score is not None}) > 1:
        importances = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=plan.seed))
    return Found(trials, seconds, {name: float(value) for name, value in importances.items()})


def _close(study: Any) -> None:
    """Let go of the database: a study's file is renamed and removed."""
    backend = getattr(study._storage, "_backend", study._storage)  # a cache may stand before it
    backend.remove_session()
    backend.engine.dispose()


def _quiet() -> None:
    import optuna

    optuna.logging.set_verbosity(logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
