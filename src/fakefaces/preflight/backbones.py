"""The names of ``keras.applications``, read from its file: importing Keras takes seconds."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def backbone_names() -> list[str]:
    """The backbones that the installed Keras has; empty where its file looks otherwise than expected."""
    spec = find_spec("keras")
    file = Path(spec.origin).parent / "applications" / "__init__.py" if spec and spec.origin else None
    text = file.read_text(encoding="utf-8") if file and file.is_file() else ""
    return sorted(set(re.findall(r"\b([A-Z]\w+) as \1\b", text)))
