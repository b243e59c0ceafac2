"""What the page is told of photographs, labels and events, as JSON."""

from typing import Any

from fakefaces.review.labels import Event, Given
from fakefaces.review.queue import Photograph


def row_of(photograph: Photograph) -> dict[str, Any]:
    """A photograph as the list of the page shows it."""
    return {
        "key": photograph.key,
        "name": photograph.name,
        "p_fake": photograph.p_fake,
        "predicted": photograph.predicted,
        "unsure": photograph.unsure,
        "unfamiliar": photograph.unfamiliar,
        "parts": photograph.parts,
        "version": photograph.version,
        "heatmap": photograph.heatmap is not None,
        "no_heatmap": photograph.no_heatmap,
        "credentials": str(photograph.credentials) if photograph.credentials else None,
    }


def labels_for(given: dict[str, Given], reviewer: str) -> dict[str, Any]:
    """What a person sees of the labels of a photograph: those of others are counted, not shown."""
    mine, others = given.get(reviewer), len(given.keys() - {reviewer})
    own = {"mine": mine.label if mine else None, "sure": mine.sure if mine else None}
    return own | {"others": others, "disagree": len({one.label for one in given.values()}) > 1}


def event_of(event: Event, undone: set[int | None]) -> dict[str, Any]:
    """A line of a photograph's history; ``undone`` are the events that others took back."""
    return {
        "reviewer": event.reviewer,
        "label": event.label,
        "sure": event.sure,
        "at": event.at,
        "undoes": event.undoes is not None,
        "undone": event.id in undone,
    }
