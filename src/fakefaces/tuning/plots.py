"""Plots of a study: optimisation history and importances of the hyperparameters."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fakefaces.base.files import atomic_write
from fakefaces.tuning.search import StudyResult

_BEST, _COMPLETED, _PRUNED = "#1b6ca8", "#8a8f98", "#c9ccd1"


def draw_study(result: StudyResult, folder: Path) -> list[Path]:
    """Draw ``history.png`` and, where there are importances, ``importance.png`` into a folder; return their paths."""
    figures = {}
    if any(trial.score is not None for trial in result.trials):
        figures[folder / "history.png"] = _history(result)
    if result.importances:
        figures[folder / "importance.png"] = _importances(result)
    for path, figure in figures.items():
        figure.axes[0].spines[["top", "right"]].set_visible(False)
        with atomic_write(path) as aside:
            figure.savefig(aside, format="png", metadata={"Software": None})
    return list(figures)


def _history(result: StudyResult) -> Figure:
    figure = Figure(figsize=(6.4, 3.6), layout="constrained", dpi=120)
    ax = figure.subplots()
    completed = [(trial.number, trial.score) for trial in result.trials if trial.score is not None]
    pruned = [trial.number for trial in result.trials if trial.score is None]
    numbers, scores = zip(*completed, strict=True)
    highest = [max(scores[: k + 1]) for k in range(len(scores))]
    ax.step(
        [*numbers, result.trials[-1].number], [*highest, highest[-1]], where="post", color=_BEST, label="best so far"
    )
    ax.scatter(numbers, scores, color=_COMPLETED, s=22, zorder=3, label="completed")
    if pruned:
        ax.scatter(pruned, [min(scores)] * len(pruned), color=_PRUNED, s=22, marker="x", label="pruned")
    ax.set(xlabel="trial", ylabel="validation ROC AUC")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, loc="lower right", fontsize=8)
    return figure


def _importances(result: StudyResult) -> Figure:
    names = sorted(result.importances, key=lambda name: result.importances[name])
    figure = Figure(figsize=(6.4, 0.9 + 0.32 * len(names)), layout="constrained", dpi=120)
    ax = figure.subplots()
    bars = ax.barh(names, [result.importances[name] for name in names], color=_BEST, height=0.6)
    ax.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    ax.set(xlabel="share of the score's variance (fANOVA)", xlim=(0, 1.1 * max(result.importances.values())))
    return figure
