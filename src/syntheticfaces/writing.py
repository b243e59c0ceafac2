"""Write a whole set to a directory, in parallel and atomically."""

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
from PIL import Image

from fakefaces.base.errors import DataError
from syntheticfaces.camera import encode_jpeg
from syntheticfaces.generation import generate_image
from syntheticfaces.manifest import manifest_row, mask_name, write_manifest
from syntheticfaces.plan import Entry, draw_plan

QUALITY = 90  # of the last save, the same for every image
_SIZES = range(128, 257)
_BATCH_SIZE = 8
E = TypeVar("E")  # an entry of a plan


def write_samples(
    directory: Path,
    *,
    images: int = 800,
    size: int = 176,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draw a set of real and forged faces in the layout of the public set.

    The set is written beside ``directory`` and moved there when it is complete. It holds
    ``training_real/real_00001.jpg``, ``training_fake/mid_7_1101.jpg``, ``masks/mid_7_1101.png`` (1 bit,
    white where a part was replaced) and ``manifest.csv``. Image ``k`` of a seed does not depend on
    ``images`` or ``workers``.

    Args:
        directory: Where the set goes: absent, or an empty directory.
        images: Number of images, 1 or more; 53 % are real.
        size: Side of the images in pixels, 128 to 256.
        seed: Seed of all random streams, 0 or more.
        workers: Number of processes; all available processors if None, no extra process if 1. The
            processes are spawned, so a script that calls this needs the usual guard on ``__main__``.
        progress: Called with the numbers of finished and of all images, after every batch of 8.

    Raises:
        DataError: The directory is in use or cannot be written, or a number is out of range.
    """
    check_request(directory, images, size, seed, workers)
    plan = draw_plan(images, seed)
    with new_set(directory, "training_real", "training_fake", "masks") as target:
        write_batch = partial(_write_batch, directory=target, size=size, seed=seed)
        rows = write_batches(write_batch, plan, workers, progress)
        write_manifest(target / "manifest.csv", sorted(rows, key=lambda row: row["image"]))


@contextmanager
def new_set(directory: Path, *folders: str) -> Iterator[Path]:
    """Yield a folder with these empty ones, beside ``directory``, and move it there when it is complete."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as aside:
            target = Path(aside) / "set"
            for name in folders:
                (target / name).mkdir(parents=True)
            yield target
            if directory.exists():
                directory.rmdir()
            target.rename(directory)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"cannot write the sample set to {directory}: {reason}; choose another place") from error


def write_batches(
    write_batch: Callable[[Sequence[E]], list[dict[str, str]]],
    plan: Sequence[E],
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> list[dict[str, str]]:
    """Write the entries of a plan in batches of 8, by several processes; returns the row of each."""
    batches = [plan[start : start + _BATCH_SIZE] for start in range(0, len(plan), _BATCH_SIZE)]
    rows: list[dict[str, str]] = []
    for written in _map_batches(write_batch, batches, min(workers or _processors(), len(batches))):
        rows += written
        if progress is not None:
            progress(len(rows), len(plan))
    return rows


def check_request(directory: Path, images: int, size: int, seed: int, workers: int | None) -> None:
    """Refuse a directory in use, or a number out of range, with a DataError."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise DataError(f"{directory} already exists and is not an empty directory; choose another place")
    for valid, message in (
        (images >= 1, f"cannot make {images} sample images; ask for 1 or more"),
        (size in _SIZES, f"cannot make sample images of {size} px; ask for {_SIZES[0]} to {_SIZES[-1]}"),
        (seed >= 0, f"the seed of the sample set is {seed}; choose 0 or more"),
        (workers is None or workers >= 1, f"cannot make sample images with {workers} processes; ask for 1 or more"),
    ):
        if not valid:
            raise DataError(message)


def _map_batches(
    write_batch: Callable[[Sequence[E]], list[dict[str, str]]], batches: list[Sequence[E]], workers: int
) -> Iterator[list[dict[str, str]]]:
    if workers == 1:
        yield from map(write_batch, batches)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        try:
            yield from pool.map(write_batch, batches)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _write_batch(entries: Sequence[Entry], directory: Path, size: int, seed: int) -> list[dict[str, str]]:
    rows = []
    for entry in entries:
        generated = generate_image(entry, size, seed)
        (directory / entry.name).write_bytes(encode_jpeg(generated.image, QUALITY))
        if generated.mask is not None:
            Image.fromarray(generated.mask).save(directory / mask_name(entry.name), optimize=True)
        rows.append(manifest_row(generated, seed))
    return rows
