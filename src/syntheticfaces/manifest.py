"""The manifest of a set: one row of CSV for each image."""

import csv
from collections.abc import Sequence
from pathlib import Path

from syntheticfaces.camera import Camera
from syntheticfaces.forgery import ForgerySettings
from syntheticfaces.generation import GeneratedImage

_CAMERA = ("blur", "noise", "shot", "chroma", "grain", "quality")
_DONOR_CAMERA = ("blur", "noise", "grain", "quality")
_SETTINGS = ("residual", "noise_ratio", "scale", "feather", "kernel")
COLUMNS = (
    *("image", "label", "difficulty", "parts", "base", "donor", "group", "seed", "decoy", "mask"),
    *(f"camera_{name}" for name in _CAMERA),
    *(f"donor_{name}" for name in _DONOR_CAMERA),
    *_SETTINGS,
)


def mask_name(image: str) -> str:
    """Path of an image's mask: ``masks/easy_1_1111.png`` for ``training_fake/easy_1_1111.jpg``."""
    return f"masks/{image.rsplit('/', 1)[-1].removesuffix('.jpg')}.png"


def manifest_row(generated: GeneratedImage, seed: int) -> dict[str, str]:
    """The manifest's row for one image; fields that do not apply are empty."""
    entry = generated.entry
    row = dict.fromkeys(COLUMNS, "") | {
        "image": entry.name,
        "label": entry.label,
        "parts": entry.parts,
        "base": f"p{entry.base:05d}",
        "group": f"g{entry.base:05d}",
        "seed": str(seed),
        "decoy": entry.decoy,
    }
    row |= {f"camera_{name}": _format(generated.camera, name) for name in _CAMERA}
    if generated.settings is not None and generated.donor_camera is not None:
        row |= {"difficulty": entry.difficulty or "", "donor": f"p{entry.donor:05d}", "mask": mask_name(entry.name)}
        row |= {f"donor_{name}": _format(generated.donor_camera, name) for name in _DONOR_CAMERA}
        row |= {name: _format(generated.settings, name) for name in _SETTINGS}
    return row


def _format(values: Camera | ForgerySettings, name: str) -> str:
    value = getattr(values, name)
    return f"{value:.{4 if name == 'scale' else 3}f}" if isinstance(value, float) else str(value)


def write_manifest(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write the rows as CSV with a header, UTF-8, with bare line feeds."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
