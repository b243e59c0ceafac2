import io

import numpy as np
import pytest
from PIL import Image

from fakefaces import images
from fakefaces.forensics.blends import blend, draw_parts
from fakefaces.forensics.boxes import NAMES, windows
from tests.conftest import picture


def face(size: int = 200) -> np.ndarray:
    return np.asarray(picture(np.random.default_rng(5), fake=False, size=size))


@pytest.mark.parametrize("part", range(4))
def test_only_the_part_that_is_named_changes(part):
    pixels = face()
    parts = np.eye(4, dtype=np.int8)[part]
    changed = np.any(blend(pixels, parts, np.random.default_rng(1)) != pixels, axis=-1)
    left, top, right, bottom = windows(*pixels.shape[:2])[part]
    assert changed[top:bottom, left:right].mean() > 0.2
    other = [k for k in range(4) if k != part]
    assert changed.sum() < 0.25 * changed.size
    for k in other:
        left, top, right, bottom = windows(*pixels.shape[:2])[k]
        assert changed[top:bottom, left:right].mean() < 0.5, NAMES[k]


def test_blends_are_seeded_and_differ_by_seed():
    pixels, parts = face(), np.array([1, 0, 0, 1], np.int8)
    one, same, other = (blend(pixels, parts, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_parts_are_drawn_as_the_fakes_have_them():
    known = np.array([[-1, -1, -1, -1], [0, 0, 0, 0], [1, 1, 0, 0]], np.int8)
    drawn = [tuple(draw_parts(known, np.random.default_rng(k))) for k in range(9)]
    assert set(drawn) == {(1, 1, 0, 0)}
    free = {tuple(draw_parts(known[:2], np.random.default_rng(k))) for k in range(200)}
    assert len(free) == 15
    assert (0, 0, 0, 0) not in free


@pytest.mark.parametrize("quality", [60, 95])
def test_a_blend_is_saved_by_the_tables_of_its_photograph(quality):
    kept = io.BytesIO()
    Image.fromarray(face()).save(kept, "JPEG", quality=quality, subsampling=0)
    saved = images.encode_like(face(), kept.getvalue())
    first, second = images.header(kept.getvalue()), images.header(saved)
    assert (first.format, first.quantization, first.subsampling) == (
        second.format,
        second.quantization,
        second.subsampling,
    )


def test_what_was_no_jpeg_is_saved_without_loss():
    kept = io.BytesIO()
    Image.fromarray(face()).save(kept, "PNG")
    assert np.array_equal(images.decode(images.encode_like(face(), kept.getvalue())), face())
