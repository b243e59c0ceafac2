"""The decision on a promotion: recorded as tags of a version and in a file, and read again."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from fakefaces.evaluation.gate import ChampionComparison
from fakefaces.registry.store import Version


@dataclass(frozen=True)
class Decision:
    """The decision on a candidate."""

    outcome: str  # ``champion`` or ``challenger``
    reason: str  # in one sentence
    model: str  # the candidate's name
    digest: str  # DVC's digest of its folder
    test_digest: str  # of the test images that both were evaluated on
    against: int | None  # the champion's version; None if there was none
    margin: float  # non-inferiority margin of the metric
    slice_margin: float  # the largest loss on a slice
    comparison: ChampionComparison | None = None  # with the champion; None where none was needed

    def tags(self) -> dict[str, str]:
        """The version's tags: the decision as JSON under ``decision``, and what people look for under own keys."""
        tags = {
            "decision.outcome": self.outcome,
            "decision.reason": self.reason,
            "decision.against": str(self.against or "none"),
        }
        if self.comparison:
            tags["decision.difference"] = str(self.comparison.difference)
            tags["decision.interval"] = json.dumps(self.comparison.interval)
            differences = [(s.difference, s.name) for s in self.comparison.slices if s.difference is not None]
            if differences:
                worst, name = min(differences, key=lambda pair: pair[0])
                tags["decision.worst_slice"] = f"{name} {worst:+.4f}"
        return tags | {"decision": json.dumps(asdict(self))}

    def markdown(self) -> str:
        """The decision as Markdown, for the version's page."""
        lines = [f"{self.model} is {self.outcome}: {self.reason}."]
        if self.comparison:
            lines += ["", f"| slice | fakes | difference in {self.comparison.metric} |", "| --- | --- | --- |"]
            for s in self.comparison.slices:
                shown = f"{s.difference:+.4f}" if s.difference is not None else f"not compared: {s.reason}"
                lines.append(f"| {s.name} | {s.fakes} | {shown} |")
        return "\n".join(lines)

    def record(self, version: int | None) -> dict[str, Any]:
        """The decision on a version for ``reports/promotion.json``."""
        return {"version": version} | asdict(self)


def read_decision(version: Version) -> Decision | None:
    """The decision that is recorded on a version, by this or an earlier release of fakefaces; None if there is none."""
    if "decision" not in version.tags:
        return None
    fields = json.loads(version.tags["decision"])
    fields.setdefault("comparison", fields.pop("held", None))  # "held" in earlier releases
    return TypeAdapter(Decision).validate_python(fields)
