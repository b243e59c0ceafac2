"""Hyperparameter search with Optuna: seeded and resumed after a kill, or shared by many processes.

J. Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011 (TPE).
L. Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization", JMLR 18 (2018).
"""

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from fakefaces.params.tune import SearchRange
from fakefaces.tracking import locks
from fakefaces.tracking.trials import Trial

_ENDED = TrialState.COMPLETE, TrialState.PRUNED
_POLL = 1.0  # seconds after which a process without a trial checks the study again
_RETRIES = 3  # of a trial whose process died


@dataclass(frozen=True)
class StudyConfig:
    """What is searched, and how."""

    name: str  # studies of one name share their trials
    space: Mapping[str, SearchRange]
    trials: int  # including pruned ones
    startup_trials: int  # sampled at random before TPE starts, and never pruned by the median
    epochs: int  # that a trial reports, at most
    pruner: str  # median, hyperband or none
    seed: int


@dataclass(frozen=True)
class StudyResult:
    """The outcome of a search."""

    trials: list[Trial]  # in order
    seconds: float  # their durations, summed up over all processes
    importances: dict[str, float]  # for the score (fANOVA); they sum to 1; empty with fewer than two different scores


Report = Callable[[int, float], None]
Objective = Callable[[int, Mapping[str, Any], Report], float]
OnTrial = Callable[[Trial], None]


class PrunedError(Exception):
    """Raised by ``report``, or an objective, to stop a trial early."""


def search(config: StudyConfig, objective: Objective, *, folder: Path, on_trial: OnTrial) -> StudyResult:
    """Maximise an objective in one process, with equal results for equal seeds.

    Finished trials are stored in ``folder``, which is not removed. If the process is killed, the next call resumes the
    study: only the interrupted trial is run again, and the result is that of an uninterrupted search, because the
    sampler of each trial is seeded by the seed and the number of the trial.

    The objective is called with the trial's number, its values, and ``report(epoch, score)``, which raises
    :class:`PrunedError` when the pruner stops the trial; ``on_trial`` after each trial, those before a kill included.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _storage(f"sqlite:///{folder / config.name}.db") as storage:
        # Trials run in memory and are stored once they have ended: those of killed processes leave no trace.
        stored, study = _study(storage, config), _study(optuna.storages.InMemoryStorage(), config)
        study.add_trials(stored.get_trials(states=_ENDED))
        for trial in _ended(study):
            on_trial(trial)
        while (number := len(_ended(study))) < config.trials:
            _run_trial(study, config, objective, number)
            stored.add_trial(study.get_trials()[-1])
            on_trial(_ended(study)[-1])
        return _result(study, config)


def share(
    config: StudyConfig, objective: Objective, *, storage_url: str, on_trial: OnTrial, heartbeat: int = 30
) -> StudyResult:
    """Take part in a search that any number of processes on any machines share, until it is over.

    A process that dies leaves its trial without a heartbeat; after three missing ones, ``heartbeat`` seconds apart,
    another process runs it again. Which process runs which trial is up to chance, so shared searches are not
    reproducible. ``on_trial`` is called after each trial that ends while this process takes part.
    """
    with ExitStack() as stack:
        with locks.exclusive_lock(storage_url, "study"):  # two first processes would both create the tables
            storage = stack.enter_context(_storage(storage_url, heartbeat))
            study = _study(storage, config)
        reported, known = 0, set[int]()
        while True:
            with ExitStack() as asking:
                asking.enter_context(locks.exclusive_lock(storage_url, "ask"))  # no more trials than configured
                with _experimental():
                    optuna.storages.fail_stale_trials(study)
                running = {trial.number for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))}
                _record_heartbeats(storage, config.name, running - known)
                known |= running
                ended = _ended(study)
                for trial in ended[reported:]:
                    on_trial(trial)
                reported = len(ended)
                if reported >= config.trials:
                    return _result(study, config)
                if reported + len(running) < config.trials:
                    _run_trial(study, config, objective, len(study.get_trials(deepcopy=False)), started=asking.close)
                    continue
            time.sleep(_POLL)


def _record_heartbeats(storage: optuna.storages.RDBStorage, study_name: str, numbers: set[int]) -> None:
    """Record a heartbeat for trials: without any, where its process died before, one would never count as stale."""
    study = storage.get_study_id_from_name(study_name)
    for number in numbers:
        storage.record_heartbeat(storage.get_trial_id_from_study_id_trial_number(study, number))


def best(trials: list[Trial]) -> Trial | None:
    """The completed trial with the highest score, the first of equal ones; None if all were pruned."""
    completed = [trial for trial in trials if trial.score is not None]
    return max(completed, key=lambda trial: (trial.score, -trial.number)) if completed else None


def _run_trial(
    study: optuna.Study,
    config: StudyConfig,
    objective: Objective,
    number: int,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Run one trial, whose values are sampled by TPE seeded for this number."""

    def run(trial: optuna.Trial) -> float:
        started()
        values = {name: _suggest(trial, name, search_range) for name, search_range in config.space.items()}

        def report(epoch: int, score: float) -> None:
            trial.report(score, epoch)
            if trial.should_prune():
                raise PrunedError

        try:
            return objective(trial.number, values, report)
        except PrunedError:
            raise optuna.TrialPruned from None

    study.sampler = optuna.samplers.TPESampler(n_startup_trials=config.startup_trials, seed=config.seed + number)
    study.optimize(run, n_trials=1)


def _suggest(trial: optuna.Trial, name: str, search_range: SearchRange) -> Any:
    if search_range.choices is not None:
        return trial.suggest_categorical(name, search_range.choices)
    assert search_range.low is not None and search_range.high is not None  # checked by SearchRange
    return trial.suggest_float(name, search_range.low, search_range.high, log=search_range.log)


def _pruner(config: StudyConfig) -> optuna.pruners.BasePruner:
    if config.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=config.startup_trials, n_warmup_steps=1)
    if config.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=config.epochs, reduction_factor=3)
    return optuna.pruners.NopPruner()


@contextmanager
def _storage(url: str, heartbeat: int | None = None) -> Iterator[optuna.storages.RDBStorage]:
    """A database, with heartbeats of running trials where their seconds are given."""
    with _experimental():
        retry = optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=_RETRIES) if heartbeat else None
        storage = optuna.storages.RDBStorage(
            url,
            heartbeat_interval=heartbeat,
            grace_period=3 * heartbeat if heartbeat else None,
            heartbeat_stale_trial_callback=retry,
        )
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _study(storage: optuna.storages.BaseStorage, config: StudyConfig) -> optuna.Study:
    optuna.logging.set_verbosity(logging.ERROR)
    return optuna.create_study(
        storage=storage, study_name=config.name, direction="maximize", load_if_exists=True, pruner=_pruner(config)
    )


def _ended(study: optuna.Study) -> list[Trial]:
    return [
        Trial(
            number=number,
            values=dict(trial.params),
            score=trial.value if trial.state == TrialState.COMPLETE else None,
            pruned=trial.state == TrialState.PRUNED,
        )
        for number, trial in enumerate(study.get_trials(deepcopy=False, states=_ENDED))
    ]


def _result(study: optuna.Study, config: StudyConfig) -> StudyResult:
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances  # imports scikit-learn

    durations = [trial.duration for trial in study.get_trials(deepcopy=False, states=_ENDED)]
    trials, importances = _ended(study), {}
    if len({trial.score for trial in trials if trial.score is not None}) > 1:
        importances = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=config.seed))
    seconds = sum(duration.total_seconds() for duration in durations if duration)
    return StudyResult(trials, seconds, {name: float(value) for name, value in importances.items()})


@contextmanager
def _experimental() -> Iterator[None]:
    """Use what Optuna marks as experimental, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
