"""How values are sampled, when a trial is pruned, and which is the best."""

from fakefaces.params.tune import SearchRange
from fakefaces.tracking.trials import Trial
from fakefaces.tuning.search import StudyConfig, best, search

RATES = {"fit.learning_rate": SearchRange(low=1e-6, high=1.0, log=True)}


def test_the_first_of_equal_trials_is_the_best_and_a_pruned_one_never():
    trials = [Trial(k, {}, score, score is None) for k, score in enumerate([0.7, 0.9, None, 0.9, 0.8])]
    assert best(trials).number == 1


def test_a_search_starts_with_different_random_values(tmp_path):
    config = StudyConfig("study", RATES, trials=12, startup_trials=12, epochs=3, pruner="none", seed=3)
    result = search(config, lambda number, values, report: 0.5, folder=tmp_path, on_trial=lambda trial: None)
    rates = [trial.values["fit.learning_rate"] for trial in result.trials]
    assert len(set(rates)) == 12
    assert all(1e-6 <= rate <= 1 for rate in rates)
    assert 3 <= sum(rate < 1e-3 for rate in rates) <= 9  # the middle on a logarithmic scale


def test_a_trial_is_pruned_where_it_falls_below_the_median_and_none_of_the_first_is(tmp_path):
    reported = []

    def first_is_best(number, values, report):
        for epoch in range(1, 4):
            reported.append((number, epoch))
            report(epoch, (0.5 + epoch / 10, 0.6, 0.6, 0.4)[number])
        return 0.6 if number else 0.8

    config = StudyConfig("study", RATES, trials=4, startup_trials=2, epochs=3, pruner="median", seed=3)
    result = search(config, first_is_best, folder=tmp_path, on_trial=lambda trial: None)
    assert [trial.score for trial in result.trials] == [0.8, 0.6, None, None]
    assert reported == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)]
