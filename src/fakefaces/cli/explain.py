"""``fakefaces explain``."""

from pathlib import Path
from typing import Annotated

import typer

from fakefaces.cli.chosen import any_detector, image_files


def explain(
    model: Annotated[
        str,
        typer.Argument(
            help="'champion', a model of params.yaml that was trained, a models:/ URI, or a detector's folder.",
            show_default=False,
        ),
    ],
    paths: Annotated[list[Path], typer.Argument(help="Images, or folders of images.", show_default=False)],
    to: Annotated[Path, typer.Option(help="The folder that the pictures go to.")] = Path("explained"),
    layers: Annotated[int, typer.Option(min=1, help="Convolutions that are drawn, at most.")] = 8,
    maps: Annotated[int, typer.Option(min=1, help="Feature maps that are drawn of each, at most.")] = 16,
    threads: Annotated[int, typer.Option(min=1, help="Images decoded at a time.")] = 2,
) -> None:
    """Draw what a model sees: heat map, feature maps and filters."""
    from fakefaces.base.errors import DataError
    from fakefaces.base.progress import echo, track
    from fakefaces.data import images
    from fakefaces.explain.explanation import explain_images
    from fakefaces.explain.feature_maps import feature_maps, filters
    from fakefaces.explain.plots import plot_explanation, plot_feature_maps, plot_filters
    from fakefaces.inference import detector
    from fakefaces.models import runtime

    files = image_files(paths)
    folder = any_detector(model)
    runtime.start(seed=0, threads=threads)
    loaded = detector.load(folder)
    kernels = filters(loaded.network, layers=layers)
    if kernels:
        plot_filters(to / "filters.png", kernels, f"{loaded.metadata.model}: filters")
        print(to / "filters.png")
    failed, taken = 0, set[str]()
    for path in track(files, "explaining", len(files)):
        (explanation,) = explain_images(loaded, [(str(path), images.read(path))], threads=threads)
        if explanation.score.problem:
            failed += 1
            echo(f"ERROR {explanation.score.problem}")
            continue
        data = images.read(path)
        name = path.stem if path.stem not in taken else f"{path.stem}_{len(taken)}"
        taken.add(name)
        plot_explanation(to / f"{name}_heat.png", images.decode(data, str(path)), explanation, loaded.metadata.model)
        print(to / f"{name}_heat.png")
        if loaded.metadata.extractor == "pixels" and kernels:
            pixels = loaded.read(data, str(path))
            layer_maps = feature_maps(loaded.network, pixels, layers=layers, maps=maps)
            title = f"{loaded.metadata.model}: {path.name}"
            plot_feature_maps(to / f"{name}_feature_maps.png", pixels, layer_maps, title)
            print(to / f"{name}_feature_maps.png")
    if failed:
        raise DataError(f"{failed} of {len(files)} files could not be explained")
