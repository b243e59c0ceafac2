"""Names that a model cannot have, as the columns of a table or the aliases of registered versions have them."""

from fakefaces.data.faces import PARTS

# Of outputs/predictions.csv, where each model has a column beside what is known of an image, and of images.csv.
_COLUMNS = frozenset(
    {
        *("image", "label", "difficulty", "group", "split", "fold", "validates", "sha256", "source", "faces", "damage"),
        *("readable", "problem", "format", "mode", "width", "height", "bytes", "program", "orientation"),
        *("quantization", "subsampling", "encoding", "p_fake", "unfamiliar"),
        *PARTS,
        *(f"{name}_score" for name in PARTS),
    }
)
_PREFIXES = ("rule_", "attribute_")
_ALIASES = frozenset({"champion", "challenger"})


def fault_of(name: str) -> str:
    """Why no model can have this name; empty where one can."""
    if name in _ALIASES:
        return "is an alias of registered versions"
    if name in _COLUMNS:
        return "is a column of the tables of images"
    prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "")
    return f"begins as the columns '{prefix}...' of the tables of images do" if prefix else ""
