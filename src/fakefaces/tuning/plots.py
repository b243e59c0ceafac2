"""Plots of a study: optimisation history and importances of the hyperparameters."""

from pathlib import Path
from typing import TYPE_CHECKING

from fakefaces.base.files import atomic_write
from fakefaces.tuning.search import StudyResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BEST, _COMPLETED, _PRUNED = "#1b6ca8", "#8a8f98", "#c9ccd1"


def draw_study(result: StudyResult, folder: Path) -> list[Path]:
    """Draw ``history.png`` and, where there are importances, ``importance.png`` into a folder; return their paths."""
    files = []
    if any(trial.score is not None for trial in result.trials):
        files.append(_draw_history(result, folder / "history.png"))
    if result.importances:
        files.append(_draw_importances(result, folder / "importance.png"))
    return files


def _draw_history(result: StudyResult, path: Path) -> Path:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

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
    return _save(figure, path)


def _draw_importances(result: StudyResult, path: Path) -> Path:
    from matplotlib.figure import Figure

    names = sorted(result.importances, key=lambda name: result.importances[name])
    figure = Figure(figsize=(6.4, 0.9 + 0.32 * len(names)), layout="constrained", dpi=120)
    ax = figure.subplots()
    bars = ax.barh(names, [result.importances[name] for name in names], color=_BEST, height=0.6)
    ax.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    ax.set(xlabel="share of the score's variance (fANOVA)", xlim=(0, 1.1 * max(result.importances.values())))
    return _save(figure, path)


def _save(figure: "Figure", path: Path) -> Path:
    for ax in figure.axes:
        ax.spines[["top", "right"]].set_visible(False)
    with atomic_write(path) as aside:
        figure.savefig(aside, format="png", metadata={"Software": None})
    return path
