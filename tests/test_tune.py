import pytest

from fakefaces.tuning import PrunedError, Trial, best, search

SPACE = {
    "settings.dropout": {"choices": None, "low": 0.0, "high": 1.0, "log": False},
    "settings.units": {"choices": [8, 16, 32], "low": None, "high": None, "log": False},
}


def objective(number, values, report):
    """Best at dropout 0.3 and 16 units; known after three epochs."""
    score = 1 - abs(values["settings.dropout"] - 0.3) - (values["settings.units"] != 16) * 0.3
    for epoch in range(3):
        report(epoch, score * (epoch + 1) / 3)
    return score


def run(folder, trials=12, objective=objective, seed=3) -> list[Trial]:
    return search(
        SPACE, objective, trials=trials, startup_trials=4, seed=seed, unfinished=folder, on_trial=lambda trial: None
    )


def test_a_search_is_seeded_and_leaves_nothing_behind(tmp_path):
    first, again, other = run(tmp_path / "a"), run(tmp_path / "b"), run(tmp_path / "c", seed=4)
    assert first == again
    assert first != other
    assert not (tmp_path / "a").exists()
    assert [trial.number for trial in first] == list(range(12))


def test_a_search_finds_better_than_chance_and_prunes(tmp_path):
    trials = run(tmp_path / "a", trials=30)
    assert best(trials).score > 0.8
    assert any(trial.pruned for trial in trials)
    assert not any(trial.pruned for trial in trials[:4])
    assert best(trials).score == max(trial.score for trial in trials if trial.score is not None)


@pytest.mark.parametrize("stop_at", [0, 3, 7])
def test_a_killed_search_goes_on_to_the_same_end(tmp_path, stop_at):
    calls = []

    def dies(number, values, report):
        calls.append(number)
        if number == stop_at and calls.count(number) == 1:
            raise KeyboardInterrupt
        return objective(number, values, report)

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", objective=dies)
    seen = []
    resumed = search(
        SPACE, dies, trials=12, startup_trials=4, seed=3, unfinished=tmp_path / "cut", on_trial=seen.append
    )
    assert resumed == whole
    assert sorted(calls) == sorted([*range(12), stop_at])  # none but the interrupted one is run again
    assert seen == whole


def test_a_trial_left_running_by_a_killed_process_is_run_again(tmp_path):
    import optuna

    (tmp_path / "cut").mkdir()
    study = optuna.create_study(
        storage=f"sqlite:///{tmp_path / 'cut' / 'study.db'}", study_name="study", direction="maximize"
    )
    study.ask()
    assert run(tmp_path / "cut") == run(tmp_path / "whole")


def test_all_pruned_is_no_best(tmp_path):
    def always(number, values, report):
        raise PrunedError

    assert best(run(tmp_path / "a", trials=3, objective=always)) is None
    assert best([]) is None
