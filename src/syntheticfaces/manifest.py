"""The manifest of a set: one line of CSV for each image."""

import csv
from collections.abc import Sequence
from pathlib import Path

from syntheticfaces.generation import GeneratedImage

COLUMNS = (
    "image", "label", "difficulty", "parts", "base", "donor", "group", "seed", "decoy", "mask",
    "camera_blur", "camera_noise", "camera_shot", "camera_chroma", "camera_grain", "camera_quality",
    "donor_blur", "donor_noise", "donor_grain", "donor_quality",
    "residual", "noise_ratio", "scale", "feather", "kernel",
)  # fmt: skip


def mask_name(image: str) -> str:
    """Path of an image's mask: ``masks/easy_1_1111.png`` for ``training_fake/easy_1_1111.jpg``."""
    return f"masks/{image.rsplit('/', 1)[-1].removesuffix('.jpg')}.png"


def manifest_row(generated: GeneratedImage, seed: int) -> dict[str, str]:
    """The manifest's line for one image; fields that do not apply are empty."""
    entry, camera = generated.entry, generated.camera
    line = dict.fromkeys(COLUMNS, "")
    line |= {
        "image": entry.name,
        "label": entry.label,
        "parts": entry.parts,
        "base": f"p{entry.base:05d}",
        "group": f"g{entry.group:05d}",
        "seed": str(seed),
        "decoy": entry.decoy,
        "camera_blur": f"{camera.blur:.3f}",
        "camera_noise": f"{camera.noise:.3f}",
        "camera_shot": f"{camera.shot:.3f}",
        "camera_chroma": f"{camera.chroma:.3f}",
        "camera_grain": f"{camera.grain:.3f}",
        "camera_quality": str(camera.quality),
    }
    if generated.settings is not None and generated.donor_camera is not None:
        settings, donor = generated.settings, generated.donor_camera
        line |= {
            "difficulty": entry.difficulty or "",
            "donor": f"p{entry.donor:05d}",
            "mask": mask_name(entry.name),
            "donor_blur": f"{donor.blur:.3f}",
            "donor_noise": f"{donor.noise:.3f}",
            "donor_grain": f"{donor.grain:.3f}",
            "donor_quality": str(donor.quality),
            "residual": f"{settings.residual:.3f}",
            "noise_ratio": f"{settings.noise_ratio:.3f}",
            "scale": f"{settings.scale:.4f}",
            "feather": f"{settings.feather:.3f}",
            "kernel": settings.kernel,
        }
    return line


def write_manifest(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write the lines as CSV with a header, UTF-8, with bare line feeds."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
