"""Keys of ``params.yaml`` that earlier versions called otherwise."""

import copy
from collections.abc import Iterator
from typing import Any

# In this order: a later path names what the earlier ones have renamed. * stands for any key.
_RENAMED = {
    "sources": "duplicates",
    "distort": "corrupt",
    "evaluate.draws": "n_resamples",
    "prepare.views": "features",
    "prepare.features.*.reads": "extractor",
    "tune.view": "features",
    "train.models.*.view": "features",
}
_EXTRACTORS = {"forensic": "residuals"}


def with_new_keys(params: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Rename the old keys in a copy of ``params``.

    Returns:
        The copy, and a sentence for each old key, such as ``'evaluate.draws' is now 'evaluate.n_resamples'``.
    """
    params, sentences = copy.deepcopy(params), []
    for path, new in _RENAMED.items():
        *parents, old = path.split(".")
        for names, section in _sections_at(params, parents):
            if old not in section:
                continue
            old_key, new_key = ".".join([*names, old]), ".".join([*names, new])
            value = section.pop(old)
            if new == "extractor" and value in _EXTRACTORS:
                old_key, new_key = f"{old_key}: {value}", f"{new_key}: {_EXTRACTORS[value]}"
                value = _EXTRACTORS[value]
            section.setdefault(new, value)
            sentences.append(f"'{old_key}' is now '{new_key}'")
    return params, sentences


def _sections_at(value: Any, path: list[str], names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The mappings at a path, with their names."""
    if not isinstance(value, dict):
        return
    if not path:
        yield names, value
        return
    for key in value if path[0] == "*" else [path[0]]:
        if key in value:
            yield from _sections_at(value[key], path[1:], (*names, str(key)))
