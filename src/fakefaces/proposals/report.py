"""The report on a pull request: a comment in Markdown, and beside it what must not be in a comment.

The comment has numbers only: neither photographs nor their names. Those of images that change sides are in the table
and the page beside it, which a workflow keeps as an artifact.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fakefaces.base.errors import FakefacesError, ImageError
from fakefaces.base.files import atomic_write, write_json, write_text
from fakefaces.base.paths import Layout
from fakefaces.base.progress import track
from fakefaces.data import images
from fakefaces.evaluation.gate import SliceDifference
from fakefaces.evaluation.intervals import Resampling
from fakefaces.params.file import Params
from fakefaces.proposals.changes import SIDES, ModelChange, changed_sides, compare
from fakefaces.proposals.gate import Verdict, verdict
from fakefaces.proposals.results import Results, read_results
from fakefaces.proposals.revisions import Revision
from fakefaces.reporting.html.pictures import data_uri, shrink
from fakefaces.reporting.rendering import render

MAX_COMMENT = 60_000  # characters; GitHub takes 65,536
_MAX_PICTURES, _SIDE = 200, 128  # on the page of images that change sides, and their longer side in pixels
_TEMPLATES = Path(__file__).parent / "templates"
_CUT = "\n\nThe rest is left out, as a comment has a limit; it is in the artifact.\n"


@dataclass(frozen=True)
class Proposal:
    """What a change of the project does to its results."""

    base: str | None  # the commit that it is compared with; None where that has no results
    no_base: str  # why; empty where it has
    metric: str
    n: int  # test images
    n_common: int  # of which the base has scores, too
    changes: tuple[ModelChange, ...]  # models first, then shortcut rules
    sides: pd.DataFrame  # of :func:`fakefaces.proposals.changes.changed_sides`, of all models
    verdict: Verdict


def propose(params: Params, layout: Layout, base: Revision | None, no_base: str, *, ask_registry: bool) -> Proposal:
    """Compare the workspace's results with those of a base whose metrics and predictions were fetched, if it has any.

    Raises:
        FakefacesError: the pipeline has not run in the workspace.
    """
    after, before = read_results(layout), read_results(base.layout) if base else None
    resampling = Resampling(params.evaluate.n_resamples, params.seed)
    names = [*after.models, *_missing(after, before), *(name for name in after.metrics if name not in after.models)]
    metric = params.promote.metric
    changes = tuple(
        compare(name, before, after, metric, resampling) for name in track(names, "comparing with the base", len(names))
    )
    moved = [change.name for change in changes if change.comparison and not change.same and not change.is_rule]
    tables = [changed_sides(name, before, after) for name in moved] if before else []
    sides = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["model", "change"])
    known = set(before.predictions["sha256"]) if before else set[str]()
    return Proposal(
        base=base.commit if base else None,
        no_base=no_base,
        metric=metric,
        n=len(after.predictions),
        n_common=int(after.predictions["sha256"].isin(known).sum()),
        changes=changes,
        sides=sides,
        verdict=verdict(params, layout, base, ask_registry=ask_registry),
    )


def write_report(proposal: Proposal, data: Path, target: Path) -> None:
    """Write ``comment.md``, ``proposal.json``, ``changed_sides.csv`` and ``changed_sides.html`` to a new folder."""
    with atomic_write(target) as folder:
        folder.mkdir()
        write_text(folder / "comment.md", comment(proposal))
        write_json(folder / "proposal.json", _record(proposal))
        write_text(folder / "changed_sides.csv", proposal.sides.to_csv(index=False, lineterminator="\n"))
        rows = proposal.sides.head(_MAX_PICTURES).to_dict("records")
        pictures = [row | {"picture": _thumbnail(data / str(row["image"]))} for row in rows]
        context = {"rows": pictures, "n": len(proposal.sides)}
        write_text(folder / "changed_sides.html", render(_TEMPLATES / "changed_sides.html", context))


def comment(proposal: Proposal) -> str:
    """The report in Markdown, of at most :data:`MAX_COMMENT` characters."""
    counts = Counter(zip(proposal.sides["model"], proposal.sides["change"], strict=True))
    moved = list(dict.fromkeys(proposal.sides["model"]))
    context = {
        "proposal": proposal,
        "slices": _slice_names(proposal.changes),
        "slice_rows": [change for change in proposal.changes if change.comparison and not change.same],
        "slice_of": _slice,
        "sides": SIDES,
        "side_rows": [(name, [counts[name, side] for side in SIDES]) for name in moved],
    }
    text = render(_TEMPLATES / "comment.md", context)
    return text if len(text) <= MAX_COMMENT else text[: MAX_COMMENT - len(_CUT)].rsplit("\n", 1)[0] + _CUT


def _missing(after: Results, before: Results | None) -> list[str]:
    """The models that the change removes."""
    return [name for name in before.models if name not in after.metrics] if before else []


def _slice_names(changes: Sequence[ModelChange]) -> list[str]:
    names = [s.name.replace("_", " ") for change in changes if change.comparison for s in change.comparison.slices]
    return list(dict.fromkeys(names))


def _slice(change: ModelChange, name: str) -> str:
    found: SliceDifference | None = next(
        (s for s in change.comparison.slices if s.name.replace("_", " ") == name) if change.comparison else iter(()),
        None,
    )
    return "–" if found is None or found.difference is None else f"{found.difference:+.3f} ({found.fakes})"


def _record(proposal: Proposal) -> dict[str, Any]:
    """The numbers for programs."""
    decision = proposal.verdict.decision
    return {
        "base": proposal.base,
        "metric": proposal.metric,
        "n": proposal.n,
        "n_common": proposal.n_common,
        "changes": [
            {
                "name": change.name,
                "before": change.before.value if change.before else None,
                "after": change.after.value if change.after else None,
                "same": change.same,
                "comparison": asdict(change.comparison) if change.comparison else None,
            }
            for change in proposal.changes
        ],
        "changed_sides": len(proposal.sides),
        "gate": {
            "against": proposal.verdict.against,
            "reason": proposal.verdict.reason,
            "decision": asdict(decision) if decision else None,
        },
    }


def _thumbnail(path: Path) -> str | None:
    with suppress(ImageError):
        return data_uri(shrink(images.decode(images.read(path), path.name), _SIDE))
    return None


def fetched(base: Revision) -> str:
    """Fetch what a report reads of the base; returns why that cannot be had, or an empty text."""
    try:
        base.fetch(base.layout.metrics("_").parent)
        base.fetch(base.layout.predictions)
    except FakefacesError as error:
        return str(error)
    return ""
