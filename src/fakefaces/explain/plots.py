"""PNG files of explanations, feature maps and filters."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fakefaces.base.files import atomic_write
from fakefaces.base.names import on_one_line
from fakefaces.explain.explanation import Explanation
from fakefaces.explain.feature_maps import FeatureMaps, Filters
from fakefaces.explain.heatmaps import overlay_heatmap

_SHEET_WIDTH = 8 * 56 - 6  # pixels: eight tiles of 50 with gaps of 6
_GAP = 6
SHOWN = 1200  # pixels of an image's longer side, which are more than a panel has
_STEEPEST = 4.0  # height of a panel by its width; an image that is longer leaves room beside it
_PIXEL = 1 / 96  # inches a pixel of a sheet

Sheet = tuple[str, NDArray[np.float64]]  # caption and tiles


def plot_explanation(path: Path, pixels: NDArray[np.uint8], explanation: Explanation, model: str) -> None:
    """Draw an image beside itself with the heatmap over it, titled with the score and the suspected parts."""
    height, width = pixels.shape[:2]
    score = explanation.score
    figure = Figure(figsize=(7, 3.5 * min(height / width, _STEEPEST) + 0.7), layout="constrained", dpi=150)
    figure.suptitle(title_of(explanation, model), fontsize=10)
    heatmap = explanation.heatmap
    panels = [
        (_shorten(on_one_line(Path(score.path).name), 40), pixels),
        ("no heatmap", pixels) if heatmap is None else ("heatmap", overlay_heatmap(pixels, heatmap)),
    ]
    for ax, (title, panel) in zip(figure.subplots(1, 2), panels, strict=True):
        ax.imshow(panel, interpolation="antialiased")
        ax.set_title(title, fontsize=9, parse_math=False)
        ax.set_axis_off()
    _save(figure, path)


def title_of(explanation: Explanation, model: str) -> str:
    """The score of a model, its label and doubts, and the suspected parts, in a line."""
    score = explanation.score
    parts = ", ".join(part.replace("_", " ") for part in explanation.parts) or "none"
    doubts = ", unsure" * bool(score.unsure) + ", unfamiliar" * bool(score.unfamiliar)
    return f"{model}: {score.p_fake:.3f}, {score.label}{doubts}; suspected: {parts}"


def plot_feature_maps(path: Path, pixels: NDArray[np.uint8], layers: Sequence[FeatureMaps], title: str) -> None:
    """Draw an image and below it the feature maps of each layer, dark where they are low."""
    sheets: list[Sheet] = [("input", _tile(pixels[None] / 255.0, 3))]
    for layer in layers:
        subset = "" if len(layer.maps) == layer.channels else f"; {len(layer.maps)} of {layer.channels} maps"
        height, width = layer.maps.shape[1:]
        sheets.append((f"{layer.layer}: {height} × {width}{subset}", _tile(layer.maps, 8)))
    _plot_sheets(path, sheets, title, "viridis", (0.0, 1.0))


def plot_filters(path: Path, layers: Sequence[Filters], title: str) -> None:
    """Draw the kernels of each layer: in colour where the inputs are R, G and B, else a row of inputs a filter.

    Blue is negative and red positive, up to the layer's largest weight.
    """
    sheets: list[Sheet] = []
    for layer in layers:
        kernels, (height, width) = layer.kernels, layer.kernels.shape[2:]
        peak = float(np.abs(kernels).max()) or 1.0
        name = f"{layer.layer}: {layer.filters} filters of {height} × {width}"
        if layer.inputs == 3:
            sheets.append((f"{name} on R, G, B", _tile((kernels.transpose(0, 2, 3, 1) / peak + 1) / 2, 8)))
            continue
        n_filters, n_inputs = kernels.shape[:2]
        complete = (n_filters, n_inputs) == (layer.filters, layer.inputs)
        subset = "" if complete else f"; {n_filters} × {n_inputs} of them"
        tiles = kernels.reshape(-1, height, width) / peak
        sheets.append((f"{name} (down) on {layer.inputs} inputs (across){subset}", _tile(tiles, n_inputs)))
    _plot_sheets(path, sheets, title, "RdBu_r", (-1.0, 1.0))


def _tile(tiles: NDArray[np.floating], columns: int) -> NDArray[np.float64]:
    """Tiles (n, height, width[, 3]) side by side on a sheet of fixed width, with NaN between them."""
    n, _, _, *channels = tiles.shape
    columns = max(columns, 8) if n > 1 else columns
    side = (_SHEET_WIDTH + _GAP) // columns - _GAP
    rows = -(-n // columns)
    sheet = np.full((rows * (side + _GAP) - _GAP, _SHEET_WIDTH, *channels), np.nan)
    for k, tile in enumerate(tiles):
        top, left = k // columns * (side + _GAP), k % columns * (side + _GAP)
        resized = cv2.resize(tile.astype(np.float64), (side, side), interpolation=cv2.INTER_NEAREST)
        sheet[top : top + side, left : left + side] = resized
    return sheet


def _plot_sheets(path: Path, sheets: Sequence[Sheet], title: str, colour_map: str, limits: tuple[float, float]) -> None:
    caption, margin = 0.3, 0.1  # inches
    width = _SHEET_WIDTH * _PIXEL + 2 * margin
    height = sum(len(sheet) * _PIXEL + caption for _, sheet in sheets) + caption + margin
    figure = Figure(figsize=(width, height), dpi=2 / _PIXEL)
    figure.text(margin / width, 1 - 0.22 / height, _shorten(title), fontsize=9, weight="bold")
    bottom = height - caption
    for name, sheet in sheets:
        sheet_height = len(sheet) * _PIXEL
        bottom -= caption + sheet_height
        box = (margin / width, bottom / height, _SHEET_WIDTH * _PIXEL / width, sheet_height / height)
        ax = figure.add_axes(box)
        pixels = np.nan_to_num(sheet, nan=1.0) if sheet.ndim == 3 else sheet
        ax.imshow(pixels, cmap=colour_map, vmin=limits[0], vmax=limits[1], interpolation="nearest", aspect="auto")
        ax.set_axis_off()
        figure.text(margin / width, (bottom + sheet_height + 0.06) / height, _shorten(name), fontsize=7.5)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with atomic_write(path) as aside:
        figure.savefig(aside, format="png", metadata={"Software": None})  # the same bytes on every machine


def _shorten(text: str, limit: int = 84) -> str:
    return text if len(text) <= limit else f"{text[: limit // 2 - 1]}…{text[-limit // 2 :]}"
