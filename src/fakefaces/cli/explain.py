"""``fakefaces explain``."""

from pathlib import Path
from typing import Annotated

import typer

from fakefaces.cli.arguments import FollowLinks, Paths, Threads, caution, fetched
from fakefaces.cli.model_names import HELP, complete_model, model_source


def explain(
    model: Annotated[
        str,
        typer.Argument(help=f"{HELP[0].upper()}{HELP[1:]}.", show_default=False, autocompletion=complete_model),
    ],
    paths: Paths,
    to: Annotated[Path, typer.Option(help="The folder that images are written to.")] = Path("explained"),
    layers: Annotated[int, typer.Option(min=1, help="Convolutional layers that are drawn, at most.")] = 8,
    maps: Annotated[int, typer.Option(min=1, help="Feature maps that are drawn of a layer, at most.")] = 16,
    threads: Threads = 2,
    follow_links: FollowLinks = False,
) -> None:
    """Draw why a model decides as it does: Grad-CAM heat map, feature maps and filters."""
    from fakefaces.base.errors import DataError, ImageError
    from fakefaces.base.names import on_one_line, printable
    from fakefaces.base.progress import echo, track
    from fakefaces.cli.listing import image_files
    from fakefaces.data import images
    from fakefaces.explain.explained_detector import load
    from fakefaces.explain.explanation import explain_images
    from fakefaces.explain.feature_maps import feature_maps, filters
    from fakefaces.explain.plots import SHOWN, plot_explanation, plot_feature_maps, plot_filters

    source = model_source(model)
    files = image_files(paths, follow_links=follow_links)
    folder = fetched(source)
    caution(folder)
    detector = load(folder, threads=threads)
    # A forensic model's heatmap is of its part scores: without TensorFlow it takes half of the memory.
    kernels = filters(detector.network, layers=layers) if detector.metadata.extractor == "pixels" else []
    if kernels:
        plot_filters(to / "filters.png", kernels, f"{detector.metadata.model}: filters")
        print(to / "filters.png")
    failed, taken = 0, set[str]()
    for path in track(files, "explaining", len(files)):
        try:
            data = images.read(path)
        except ImageError as error:
            failed += 1
            echo(f"ERROR {on_one_line(str(error))}")
            continue
        (explanation,) = explain_images(detector, [(printable(path), data)], threads=threads)
        if explanation.score.problem:
            failed += 1
            echo(f"ERROR {on_one_line(explanation.score.problem_detail or '')}")
            continue
        stem = _stem(path)
        name = stem if stem not in taken else f"{stem}_{len(taken)}"
        taken.add(name)
        with images.decoded(data, printable(path)) as pixels:
            shown = images.limited(pixels, SHOWN)
        plot_explanation(to / f"{name}_heat.png", shown, explanation, detector.metadata.model)
        print(to / f"{name}_heat.png")
        if kernels:
            pixels = detector.read(data, printable(path))
            layer_maps = feature_maps(detector.network, pixels, layers=layers, maps=maps)
            title = f"{detector.metadata.model}: {name}"
            plot_feature_maps(to / f"{name}_feature_maps.png", pixels, layer_maps, title)
            print(to / f"{name}_feature_maps.png")
    if failed:
        raise DataError(f"{failed} of {len(files)} files could not be explained")


def _stem(path: Path) -> str:
    """The beginning of the names of an image's outputs: its own, without what a file system or a plot could refuse."""
    from fakefaces.base.names import on_one_line, printable

    name = on_one_line(printable(path.stem)).replace("\\", "_").replace("$", "_")  # $ begins mathematics in a plot
    return name.encode()[:150].decode(errors="ignore")
