"""Labels of images, and what the name of a fake says of it."""

import re
from pathlib import Path

REAL, FAKE = 0, 1  # a score is the probability of FAKE
PARTS = ("left_eye", "right_eye", "nose", "mouth")  # left and right as seen in the image
DIFFICULTIES = ("easy", "mid", "hard")

_FAKE_NAME = re.compile(r"(?P<difficulty>easy|mid|hard)_\d+_(?P<parts>[01]+)")


def parts_of(name: str) -> tuple[str, tuple[int | None, ...]]:
    """Difficulty and replaced parts in the file name of a fake: ``("mid", (0, 0, 1, 1))`` of ``mid_12_0011.jpg``.

    An unknown difficulty is empty and unknown parts are None. One file of the public set, ``easy_116_111.jpg``, has
    three bits: its difficulty is known, its parts are not.
    """
    match = _FAKE_NAME.fullmatch(Path(name).stem)
    if match is None:
        return "", (None,) * len(PARTS)
    bits = match["parts"]
    known = len(bits) == len(PARTS)
    return match["difficulty"], tuple(int(bit) for bit in bits) if known else (None,) * len(PARTS)
