"""``fakefaces sample``."""

from pathlib import Path
from typing import Annotated

import typer


def sample(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", show_default=False)],
    images: Annotated[int, typer.Option(min=20, help="Number of images.")] = 800,
    size: Annotated[int, typer.Option(min=128, max=256, help="Side of an image, pixels.")] = 176,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal images.")] = 0,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="Faces that are generated whole, in real/ and fake/, with a table of labels and attributes."
        ),
    ] = False,
) -> None:
    """Draw synthetic faces, real and doctored, in the layout of the public data set."""
    from fakefaces.base.progress import progress
    from syntheticfaces import write_samples, write_whole_images

    with progress("drawing faces", images) as step:
        done = 0

        def on_progress(now: int, total: int) -> None:
            nonlocal done
            step(now - done, "")
            done = now

        write = write_whole_images if whole else write_samples
        write(folder, images=images, size=size, seed=seed, progress=on_progress)
