"""The text of a retraining's pull request: which labels came in, whose they are, and what the models are now."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fakefaces.data.faces import FAKE
from fakefaces.ingest.corrections import Correction

_DIGITS = 12
_METRICS = (("ROC AUC", "roc_auc"), ("accuracy", "accuracy"))


@dataclass(frozen=True)
class Proposal:
    """Labels that are new to a project."""

    corrections: Sequence[Correction]  # at least one
    undecided: int  # photographs on which people disagree, left out

    @property
    def branch(self) -> str:
        """The name of its branch: the same for the same labels, so that a schedule proposes them once."""
        lines = sorted(f"{row.sha256} {row.label}" for row in self.corrections)
        return f"retrain-{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:_DIGITS]}"

    @property
    def title(self) -> str:
        """The first line of the commit."""
        n = len(self.corrections)
        return f"Retrain with {n} reviewed label{'s' * (n > 1)}"

    def body(self, before: dict[str, Any], after: dict[str, Any]) -> str:
        """The pull request in Markdown.

        Args:
            before: ``reports/best.json`` of the branch that it is proposed to; empty where there is none.
            after: that of the retrained models.
        """
        fakes = sum(row.label == FAKE for row in self.corrections)
        unsure = sum(row.sure == "no" for row in self.corrections)
        lines = [
            f"{len(self.corrections)} photographs have labels that were not among the training data: "
            f"{len(self.corrections) - fakes} real, {fakes} fake. All stages but the promotion have run on them.",
            "",
            "| labels by | number |",
            "| --- | --- |",
            *(f"| {name} | {n} |" for name, n in sorted(self._people().items())),
            "",
            f"- Labels that their people were not sure of: {unsure}",
            f"- Photographs left out because people disagree and nobody has decided: {self.undecided}",
            f"- Best on validation: {_best(before)} before, {_best(after)} with these labels. The test images differ "
            "where photographs came in, so only a comparison on the same ones decides: that of the promotion.",
            "",
            "Nothing is promoted: a person decides whether to merge this.",
        ]
        return "\n".join(lines) + "\n"

    def _people(self) -> Counter[str]:
        return Counter(_cell(row.reviewers or "not recorded") for row in self.corrections)


def _best(record: dict[str, Any]) -> str:
    if not record.get("model"):
        return "no model"
    values = [f"{title} {record[name]:.3f}" for title, name in _METRICS if record.get(name) is not None]
    return f"`{record['model']}` ({', '.join(values)} on test)" if values else f"`{record['model']}`"


def _cell(text: str) -> str:
    """A text that stays within a cell of a Markdown table; names are of strangers."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("@", "&#64;")
