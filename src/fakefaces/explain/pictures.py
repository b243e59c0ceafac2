"""Heat maps, feature maps and filters as pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefaces.base.files import atomic_write
from fakefaces.explain.features import FeatureMaps, Filters

if TYPE_CHECKING:
    from fakefaces.explain.explanation import Look

_WIDTH = 8 * 56 - 6  # pixels of a sheet: eight tiles of 50 with gaps of 6
_GAP = 6
_TINY = 1 / 96  # inches a pixel at which the sheets are drawn


def overlaid(pixels: NDArray[np.uint8], heat: NDArray[np.float32], strength: float = 0.55) -> NDArray[np.uint8]:
    """A picture with its heat map over it: clear where cold, yellow to red where warm.

    Args:
        pixels: uint8 (height, width, 3).
        heat: float32 (h, w), 0 to 1, of any size.
        strength: how much the warmest place covers, 0 to 1.
    """
    height, width = pixels.shape[:2]
    warm = smooth(heat, height, width)[..., None]
    colour = np.concatenate([np.full_like(warm, 255), 235 * (1 - warm), 30 * (1 - warm)], axis=2)
    cover = strength * warm
    return (pixels * (1 - cover) + colour * cover).round().astype(np.uint8)


def smooth(heat: NDArray[Any], height: int, width: int) -> NDArray[np.float32]:
    """A heat map at a picture's size: float32 (height, width), 0 to 1."""
    grown = cv2.resize(heat.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(grown, 0, 1), dtype=np.float32)


def draw_look(path: Path, pixels: NDArray[np.uint8], look: "Look", model: str) -> None:
    """Draw an image beside itself with the heat map, under the score and the suspected parts, as a PNG.

    Args:
        path: of the PNG.
        pixels: uint8 (height, width, 3).
        look: what the model sees in it.
        model: its name.
    """
    from matplotlib.figure import Figure

    height, width = pixels.shape[:2]
    figure = Figure(figsize=(7, 3.5 * height / width + 0.7), layout="constrained", dpi=150)
    parts = ", ".join(part.replace("_", " ") for part in look.parts) or "none"
    unsure = ", unsure" if look.score.unsure else ""
    figure.suptitle(f"{model}: {look.score.p_fake:.3f}, {look.score.label}{unsure}; suspected: {parts}", fontsize=10)
    warm = pixels if look.heat is None else overlaid(pixels, look.heat)
    titles = (_short(Path(look.score.name).name, 40), "no heat map" if look.heat is None else "where it looks")
    for ax, shown, title in zip(figure.subplots(1, 2), (pixels, warm), titles, strict=True):
        ax.imshow(shown, interpolation="antialiased")
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()
    with atomic_write(path) as aside:
        figure.savefig(aside, format="png", metadata={"Software": None})


def draw_feature_maps(path: Path, pixels: NDArray[np.uint8], found: Sequence[FeatureMaps], title: str) -> None:
    """Draw the image, and below it the maps of each layer, dark where they are low, as a PNG.

    Args:
        path: of the PNG.
        pixels: uint8 (height, width, 3), what the network was given.
        found: of one image.
        title: above all.
    """
    sheets = [("what it is given", _tiles(pixels[None] / 255.0, 3))]
    for one in found:
        shown = "" if len(one.maps) == one.channels else f"; {len(one.maps)} of {one.channels} maps"
        height, width = one.maps.shape[1:]
        sheets.append((f"{one.layer}: {height} × {width}{shown}", _tiles(one.maps, 8)))
    _draw(path, sheets, title, "viridis", (0.0, 1.0))


def draw_filters(path: Path, found: Sequence[Filters], title: str) -> None:
    """Draw the kernels of each layer: in colour where they see R, G and B, else a row of inputs for each filter.

    Blue is negative and red positive, to the layer's largest weight.
    """
    sheets = []
    for one in found:
        kernels, (height, width) = one.kernels, one.kernels.shape[2:]
        peak = float(np.abs(kernels).max()) or 1.0
        name = f"{one.layer}: {one.filters} filters of {height} × {width}"
        if one.inputs == 3:
            sheets.append((f"{name} on R, G, B", _tiles((kernels.transpose(0, 2, 3, 1) / peak + 1) / 2, 8)))
            continue
        down, across = kernels.shape[:2]
        shown = "" if (down, across) == (one.filters, one.inputs) else f"; {down} × {across} of them"
        rows = kernels.reshape(-1, height, width) / peak
        sheets.append((f"{name} (down) on {one.inputs} inputs (across){shown}", _tiles(rows, across)))
    _draw(path, sheets, title, "RdBu_r", (-1.0, 1.0))


def _tiles(tiles: NDArray[Any], columns: int) -> NDArray[Any]:
    """Tiles (n, height, width[, 3]) side by side on a sheet of one width: float64, NaN between them."""
    n, _, _, *rest = tiles.shape
    columns = max(columns, 8) if n > 1 else columns
    side = (_WIDTH + _GAP) // columns - _GAP
    rows = -(-n // columns)
    sheet = np.full((rows * (side + _GAP) - _GAP, _WIDTH, *rest), np.nan)
    for k, tile in enumerate(tiles):
        top, left = k // columns * (side + _GAP), k % columns * (side + _GAP)
        grown = cv2.resize(tile.astype(np.float64), (side, side), interpolation=cv2.INTER_NEAREST)
        sheet[top : top + side, left : left + side] = grown
    return sheet


def _draw(
    path: Path, sheets: Sequence[tuple[str, NDArray[Any]]], title: str, colours: str, ends: tuple[float, float]
) -> None:
    from matplotlib.figure import Figure

    line, margin = 0.3, 0.1  # inches
    width = _WIDTH * _TINY + 2 * margin
    height = sum(len(sheet) * _TINY + line for _, sheet in sheets) + line + margin
    figure = Figure(figsize=(width, height), dpi=2 / _TINY)
    figure.text(margin / width, 1 - 0.22 / height, _short(title), fontsize=9, weight="bold")
    top = height - line
    for name, sheet in sheets:
        tall = len(sheet) * _TINY
        top -= line + tall
        ax = figure.add_axes((margin / width, top / height, _WIDTH * _TINY / width, tall / height))
        shown = np.nan_to_num(sheet, nan=1.0) if sheet.ndim == 3 else sheet
        ax.imshow(shown, cmap=colours, vmin=ends[0], vmax=ends[1], interpolation="nearest", aspect="auto")
        ax.set_axis_off()
        figure.text(margin / width, (top + tall + 0.06) / height, _short(name), fontsize=7.5)
    with atomic_write(path) as aside:
        figure.savefig(aside, format="png", metadata={"Software": None})


def _short(text: str, most: int = 84) -> str:
    return text if len(text) <= most else f"{text[: most // 2 - 1]}…{text[-most // 2 :]}"
