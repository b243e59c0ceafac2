"""``fakefaces explain``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fakefaces.cli.arguments import FollowLinks, Paths, Threads, caution, fetched
from fakefaces.cli.model_names import HELP, complete_model, model_source

if TYPE_CHECKING:
    from fakefaces.inference.detector import Detector
    from fakefaces.inference.score import Score


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
    import numpy as np

    from fakefaces.base.errors import DataError
    from fakefaces.base.leftovers import temporary_folder
    from fakefaces.base.progress import track
    from fakefaces.cli.listing import image_files
    from fakefaces.explain.explained_detector import load
    from fakefaces.explain.explanation import explain_scores
    from fakefaces.explain.feature_maps import feature_maps, filters
    from fakefaces.explain.plots import plot_explanation, plot_feature_maps, plot_filters

    source = model_source(model)
    files = image_files(paths, follow_links=follow_links)
    folder = fetched(source)
    caution(folder)
    detector = load(folder, threads=threads)
    name_of_model, taken = detector.metadata.model, set[str]()
    with temporary_folder() as kept:
        # All images are decoded before TensorFlow is loaded: both at once would take more than 1.5 GB.
        scores = [
            _read(detector, path, kept / f"{k}.npz")
            for k, path in enumerate(track(files, "reading images", len(files)))
        ]
        # A forensic model's heatmap is of its part scores, and takes no TensorFlow.
        kernels = filters(detector.network, layers=layers) if detector.metadata.extractor == "pixels" else []
        if kernels:
            plot_filters(to / "filters.png", kernels, f"{name_of_model}: filters")
            print(to / "filters.png")
        for k, path in enumerate(track(files, "explaining", len(files))):
            if scores[k].problem:
                continue
            with np.load(kept / f"{k}.npz") as arrays:
                features, outlines, shown = arrays["features"], arrays["outlines"], arrays["shown"]
            (explanation,) = explain_scores(detector, [scores[k]], [features], [outlines])
            stem = _stem(path)
            name = stem if stem not in taken else f"{stem}_{len(taken)}"
            taken.add(name)
            plot_explanation(to / f"{name}_heat.png", shown, explanation, name_of_model)
            print(to / f"{name}_heat.png")
            if kernels:
                layer_maps = feature_maps(detector.network, features, layers=layers, maps=maps)
                plot_feature_maps(to / f"{name}_feature_maps.png", features, layer_maps, f"{name_of_model}: {name}")
                print(to / f"{name}_feature_maps.png")
    if failed := sum(bool(score.problem) for score in scores):
        raise DataError(f"{failed} of {len(files)} files could not be explained")


def _read(detector: "Detector", path: Path, kept: Path) -> "Score":
    """Score an image, and write to a file what its explanation takes; a problem is printed."""
    import numpy as np

    from fakefaces.base.errors import ImageError
    from fakefaces.base.names import on_one_line, printable
    from fakefaces.base.progress import echo
    from fakefaces.data import images
    from fakefaces.explain.part_outlines import outlines_in
    from fakefaces.explain.plots import SHOWN
    from fakefaces.inference.score import Score

    name = printable(path)
    try:
        data = images.read(path)
        score = detector.score(name, lambda: data)
    except ImageError as error:
        score = Score(path=name, problem=error.problem, problem_detail=str(error))
    if score.problem:
        echo(f"ERROR {on_one_line(score.problem_detail or '')}")
        return score
    with images.decoded(data, name) as pixels:
        shown = images.limited(pixels, SHOWN)
    del pixels  # of which the next image's memory would not be free
    np.savez(kept, features=detector.read(data, name), outlines=outlines_in(data, name), shown=shown)
    return score


def _stem(path: Path) -> str:
    """The beginning of the names of an image's outputs: its own, without what a file system or a plot could refuse."""
    from fakefaces.base.names import on_one_line, printable

    name = on_one_line(printable(path.stem)).replace("\\", "_").replace("$", "_")  # $ begins mathematics in a plot
    return name.encode()[:150].decode(errors="ignore")
