"""What a study shows: how the best score rose, and which values it depends on."""

from pathlib import Path

from fakefaces.base.files import atomic_write
from fakefaces.tuning.search import Found

_BEST, _TRIED, _PRUNED = "#1b6ca8", "#8a8f98", "#c9ccd1"


def draw(found: Found, folder: Path) -> list[Path]:
    """Draw the history and the importances.

    Args:
        found: by the study.
        folder: for ``history.png`` and, where there are importances, ``importance.png``.

    Returns:
        The files.
    """
    drawn = [_history(found, folder / "history.png")] if any(t.score is not None for t in found.trials) else []
    return drawn + ([_importance(found, folder / "importance.png")] if found.importances else [])


def _history(found: Found, path: Path) -> Path:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.4, 3.6), layout="constrained", dpi=120)
    ax = figure.subplots()
    done = [(trial.number, trial.score) for trial in found.trials if trial.score is not None]
    pruned = [trial.number for trial in found.trials if trial.score is None]
    numbers, scores = zip(*done, strict=True)
    highest = [max(scores[: k + 1]) for k in range(len(scores))]
    ax.step(
        [*numbers, found.trials[-1].number], [*highest, highest[-1]], where="post", color=_BEST, label="best so far"
    )
    ax.scatter(numbers, scores, color=_TRIED, s=22, zorder=3, label="completed")
    if pruned:
        ax.scatter(pruned, [min(scores)] * len(pruned), color=_PRUNED, s=22, marker="x", label="pruned")
    ax.set(xlabel="trial", ylabel="validation ROC AUC")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, loc="lower right", fontsize=8)
    return _saved(figure, path)


def _importance(found: Found, path: Path) -> Path:
    from matplotlib.figure import Figure

    names = sorted(found.importances, key=lambda name: found.importances[name])
    figure = Figure(figsize=(6.4, 0.9 + 0.32 * len(names)), layout="constrained", dpi=120)
    ax = figure.subplots()
    bars = ax.barh(names, [found.importances[name] for name in names], color=_BEST, height=0.6)
    ax.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    ax.set(xlabel="share of the score's variance (fANOVA)", xlim=(0, 1.1 * max(found.importances.values())))
    return _saved(figure, path)


def _saved(figure: object, path: Path) -> Path:
    for ax in figure.axes:  # type: ignore[attr-defined]
        ax.spines[["top", "right"]].set_visible(False)
    with atomic_write(path) as aside:
        figure.savefig(aside, format="png", metadata={"Software": None})  # type: ignore[attr-defined]
    return path
