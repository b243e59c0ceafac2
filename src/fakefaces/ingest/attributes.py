"""Which further columns of a table of labels are attributes of the photographs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from fakefaces.base.names import shown
from fakefaces.data.attributes import Attributes, is_plain_name, is_plain_value

PHOTOGRAPH = ("group", "subject", "person", "identity")  # columns that mean the photograph, or who is in it
ATTRIBUTION = ("reviewers", "at", "sure")  # who gave a label, when, and whether they are sure of it
# Columns that tables of this project have: scores, and what is known of a file by its content.
_OWN = {"sha256", "md5", "name", "p_fake", "log10_lr", "predicted", "said", "unsure", "problem", "problem_detail"}
_MANY = 12  # values of a text column that are never too many


@dataclass(frozen=True)
class FurtherColumns:
    """The columns that are kept, and what is to be said of them."""

    names: list[str]
    notes: list[str] = field(default_factory=list)

    def of(self, row: dict[str, str]) -> Attributes:
        """The attributes in a row; those without a value are left out."""
        values = {name.strip(): " ".join(row[name].split()) for name in self.names}
        return {name: value for name, value in values.items() if value}


def further_columns(names: Sequence[str], rows: Sequence[dict[str, str]], used: Collection[str]) -> FurtherColumns:
    """The columns that describe the photographs: all that are not ``used``, whose values are words or numbers.

    Columns with a value of its own in most rows, such as names or comments, describe single photographs: they make no
    group, and may say who a person is.
    """
    kept: list[str] = []
    left_out: list[str] = []
    for name in names:
        if not name.strip() or name in used or name.strip().lower() in {*PHOTOGRAPH, *ATTRIBUTION, *_OWN}:
            continue
        values = [value for row in rows if (value := " ".join(row[name].split()))]
        if not values:
            continue
        plain = is_plain_name(name.strip()) and all(map(is_plain_value, values))
        (kept if plain and not _is_identifier(values) else left_out).append(name)
    notes = []
    if kept:
        columns = ", ".join(name.strip() for name in kept)
        notes.append(f"attributes of the images: {columns}; errors by group: params.yaml: evaluate.slices")
    if left_out:
        columns = ", ".join(map(shown, left_out))
        notes.append(f"not kept, as they have a value for each image, long ones, or an odd name: {columns}")
    return FurtherColumns(kept, notes)


def _is_identifier(values: Sequence[str]) -> bool:
    different = set(values)
    return len(different) > max(_MANY, len(values) / 2) and not all(map(_is_number, different))


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
