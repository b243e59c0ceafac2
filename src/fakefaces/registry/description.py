"""Descriptions of versions that an earlier release registered: it wrote the decision alone."""

from fakefaces.evaluation.summary import not_for, summary
from fakefaces.registry.evidence import find_evidence
from fakefaces.registry.promotion import read_decision
from fakefaces.registry.store import Registry, Version, has_own_description
from fakefaces.tracking.descriptions import DIGEST


def undescribed(registry: Registry) -> list[int]:
    """The numbers of the versions with a decision and no description but that."""
    return [
        version.number
        for version in registry.versions()
        if "decision" in version.tags
        and DIGEST not in version.tags
        and has_own_description(version.description, version.tags)
    ]


def describe(registry: Registry, version: Version) -> None:
    """Describe a version by its evaluation, what it must not be used for, and the decision on it.

    A description that a person wrote stays. Without an evaluation in the store the metrics are left out.
    """
    tags = version.tags
    drawn = {"true": True, "false": False}.get(tags.get("drawn", ""))
    digest, test_digest = tags.get("digest", ""), tags.get("test.digest")
    evidence = find_evidence(digest, test_digest) or find_evidence(digest)
    if evidence:
        paragraphs = [summary(evidence.model, evidence.metrics, drawn)]
    else:
        paragraphs = ["It must not be used for:", "\n".join(f"- {line}" for line in not_for(drawn))]
    if decision := read_decision(version):
        paragraphs.append(decision.markdown())
    registry.annotate(version, "\n\n".join(paragraphs), {})
