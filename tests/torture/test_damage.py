"""Which share of damaged files is found, by format: the table of docs/reliability.md, printed with ``-s``."""

import numpy as np
import pytest
from PIL import Image

from fakefaces.base.errors import ImageError
from fakefaces.data import images
from tests.conftest import ROOT
from tests.torture.bad_files import FORMATS, flipped, saved, truncated, zeroed
from tests.torture.conftest import scaled

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]

# The least share that has to be found of files with a zeroed tenth, and with twenty flipped bits. A format without a
# checksum or a code that damage breaks shows nothing: what decodes is then another picture.
FLOORS = {
    **{".jpg": (0.9, 0.9), ".png": (0.9, 0.9), ".tif": (0.9, 0.5), ".gif": (0.9, 0.5)},
    **{".avif": (0, 0.3), ".webp": (0, 0), ".jp2": (0, 0), ".bmp": (0, 0)},
}


def share_found(change, files: list[bytes]) -> float:
    """The share of the files that are a problem after a change; their bits differ from file to file."""
    rng, found = np.random.default_rng(17), 0
    for data in files:
        try:
            images.decode(change(rng, bytearray(data)))
        except ImageError:
            found += 1
    return found / len(files)


@pytest.mark.parametrize("suffix", FLOORS)
def test_damage_is_found(suffix):
    paths = sorted((ROOT / "samples").rglob("*.jpg"))[: scaled(200)]
    if suffix == ".jpg":
        files = [path.read_bytes() for path in paths]
    else:
        options = {"compression": "tiff_lzw"} if suffix == ".tif" else {}
        files = [saved(Image.open(path).convert("RGB"), FORMATS[suffix], **options) for path in paths]
    shares = [share_found(change, files) for change in (truncated, zeroed, flipped)]
    print(f"| {suffix} | " + " | ".join(f"{share:.0%}" for share in shares) + f" | {len(files)}")
    assert shares[0] == 1
    assert all(share >= floor for share, floor in zip(shares[1:], FLOORS[suffix], strict=True))
