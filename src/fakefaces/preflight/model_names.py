"""Names that a model cannot have, as the columns of a table or the aliases of registered versions have them."""

from fakefaces.data import attributes, photographs
from fakefaces.evaluation.predictions import PART_SCORES
from fakefaces.validation import facts

# Of outputs/predictions.csv, where each model has a column beside what is known of an image.
_COLUMNS = frozenset(
    {*photographs.COLUMNS, *facts.COLUMNS, *PART_SCORES, "group", "split", "encoding", "source", "p_fake", "unfamiliar"}
)
_PREFIXES = ("rule_", attributes.PREFIX)
_ALIASES = frozenset({"champion", "challenger"})


def fault_of(name: str) -> str:
    """Why no model can have this name; empty where one can."""
    if name in _ALIASES:
        return "is an alias of registered versions"
    if name in _COLUMNS:
        return "is a column of the tables of images"
    prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "")
    return f"begins as the columns '{prefix}...' of the tables of images do" if prefix else ""
