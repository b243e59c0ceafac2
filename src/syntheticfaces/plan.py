"""Plan of a set: class, difficulty, parts and photographs of each image."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from syntheticfaces.decoys import DECOYS, Decoy
from syntheticfaces.forgery import Difficulty

REAL_SHARE = 0.53
_CYCLE: tuple[Difficulty, ...] = ("mid", "easy", "mid", "hard")
_PARTS = (
    ("1111", 319), ("0011", 128), ("1100", 118), ("1110", 87), ("1101", 74), ("0001", 43), ("0010", 32),
    ("0111", 28), ("1000", 23), ("1011", 21), ("0101", 19), ("1001", 19), ("0100", 17), ("1010", 16), ("0110", 15),
)  # fmt: skip
_GOLDEN = 0.6180339887498949
_BASE_REAL = 0.15
_BASE_FAKE = 0.25
_DECOYS = 0.3
_PLAN_STREAM = 1

Label = Literal["real", "fake"]


@dataclass(frozen=True)
class Entry:
    """One image of the set. ``base`` (also the group) and ``donor`` number photographs; a fake's donor is its own."""

    index: int
    name: str  # relative to the set's directory, with forward slashes
    label: Label
    base: int
    donor: int | None
    difficulty: Difficulty | None
    parts: str
    decoy: Decoy


def parts_at(position: float) -> str:
    """The four bits of replaced parts at a position (0..1) of the real set's distribution."""
    rest = position * sum(count for _, count in _PARTS)
    for bits, count in _PARTS:
        rest -= count
        if rest < 0:
            return bits
    return _PARTS[-1][0]


def draw_plan(images: int, seed: int) -> list[Entry]:
    """The entries of a set; the first ``k`` are the same for every larger set of the same seed.

    Photographs are assigned before anything is forged: an image gets a new one, except that some fakes share
    the photograph of an earlier real or fake image. So a group has three images at most.
    """
    entries: list[Entry] = []
    offset = float(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))).random())
    photographs = reals = fakes = 0
    counts: dict[Difficulty, int] = {"easy": 0, "mid": 0, "hard": 0}
    free_real: Entry | None = None  # the last image whose photograph the next such fake may share
    free_fake: Entry | None = None
    for index in range(images):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_PLAN_STREAM, index)))
        share = float(rng.random())
        if int((index + 1) * REAL_SHARE + 1e-9) > int(index * REAL_SHARE + 1e-9):
            reals += 1
            decoy: Decoy = DECOYS[int(rng.integers(len(DECOYS)))] if share < _DECOYS else ""
            name = f"training_real/real_{reals:05d}.jpg"
            entry = Entry(index, name, "real", photographs, None, None, "", decoy)
            photographs += 1
            free_real = entry
        else:
            difficulty = _CYCLE[fakes % 4]
            parts = parts_at((offset + (fakes + 1) * _GOLDEN) % 1)
            fakes += 1
            counts[difficulty] += 1
            name = f"training_fake/{difficulty}_{counts[difficulty]}_{parts}.jpg"
            shared: Entry | None = None
            if share < _BASE_REAL:
                shared, free_real = free_real, None
            elif share < _BASE_FAKE:
                shared, free_fake = free_fake, None
            base = shared.base if shared else photographs
            donor = photographs + (0 if shared else 1)
            photographs = donor + 1
            entry = Entry(index, name, "fake", base, donor, difficulty, parts, "")
            if shared is None:
                free_fake = entry
        entries.append(entry)
    return entries
