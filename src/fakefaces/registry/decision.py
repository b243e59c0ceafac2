"""A decision on a promotion, as it is written on a version and into a file, and read again."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from fakefaces.evaluation.gate import ChampionComparison, SliceDifference
from fakefaces.registry.store import Version

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Decision:
    """What becomes of a candidate.

    Attributes:
        outcome: ``champion`` or ``challenger``.
        reason: in one sentence.
        model: the candidate's name.
        digest: of its folder.
        test_digest: of the images that both were tested on.
        against: the champion's version; None if there was none.
        margin: see :class:`fakefaces.params.promote.Promote`.
        slice_margin: likewise.
        held: the figures; None where nothing had to be measured.
    """

    outcome: str
    reason: str
    model: str
    digest: str
    test_digest: str
    against: int | None
    margin: float
    slice_margin: float
    held: ChampionComparison | None = None


def tags_of(found: Decision) -> dict[str, str]:
    """The decision, whole as JSON under ``decision`` and its figures each under a tag of its own."""
    tags = {
        "decision.outcome": found.outcome,
        "decision.reason": found.reason,
        "decision.against": str(found.against or "none"),
    }
    if found.held:
        held = found.held
        tags |= {"decision.difference": str(held.difference), "decision.interval": json.dumps(held.interval)}
        told = [one for one in held.slices if one.difference is not None]
        if told:
            least = min(told, key=lambda one: one.difference or 0.0)
            tags["decision.worst_slice"] = f"{least.name} {least.difference:+.4f}"
    return tags | {"decision": json.dumps(asdict(found))}


def recorded(version: Version) -> Decision | None:
    """The decision that is written on a version; None where none is."""
    if "decision" not in version.tags:
        return None
    kept = json.loads(version.tags["decision"])
    if kept["held"]:
        slices = [SliceDifference(**one) for one in kept["held"].pop("slices")]
        kept["held"] = ChampionComparison(**kept["held"], slices=slices)
    return Decision(**kept)


def described(found: Decision) -> str:
    """The decision as Markdown, for the version's page."""
    lines = [f"{found.model} is {found.outcome}: {found.reason}."]
    if found.held:
        lines += ["", f"| slice | fakes | {found.held.metric}, difference |", "| --- | --- | --- |"]
        for one in found.held.slices:
            shown = f"{one.difference:+.4f}" if one.difference is not None else f"not judged: {one.reason}"
            lines.append(f"| {one.name} | {one.fakes} | {shown} |")
    return "\n".join(lines)


def record_of(number: int | None, found: Decision) -> dict[str, Any]:
    """The decision for ``reports/promotion.json``."""
    return {"version": number} | asdict(found)
