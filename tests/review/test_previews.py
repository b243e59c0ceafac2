"""Pictures of photographs for the page."""

import io
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from fakefaces.base.errors import ImageError
from fakefaces.data.images import decoded, encode_jpeg
from fakefaces.explain.heatmaps import overlay_heatmap
from fakefaces.review import previews
from fakefaces.review.previews import Previews, jpeg_preview
from tests.review.queues import encoded, queue_of


def test_a_preview_is_small_and_coloured_where_the_heatmap_is_hot():
    heatmap = np.zeros((4, 4), np.uint8)
    heatmap[0, 0] = 255
    plain, overlaid = (
        np.asarray(Image.open(io.BytesIO(jpeg_preview(encoded(1, 400), heat, 100))), int) for heat in (None, heatmap)
    )
    assert plain.shape == overlaid.shape == (100, 100, 3)
    change = np.abs(plain - overlaid).sum(axis=2)
    assert change[:15, :15].mean() > 10 * change[60:, 60:].mean()


def test_a_heatmap_is_drawn_over_many_rows_as_over_few():
    heatmap = np.random.default_rng(3).integers(0, 256, (8, 8), dtype=np.uint8)
    with decoded(encoded(1, 500)) as pixels:
        expected = overlay_heatmap(pixels, heatmap.astype(np.float32) / np.float32(255))
    assert jpeg_preview(encoded(1, 500), heatmap, 4000) == encode_jpeg(expected, previews._QUALITY)


def test_a_picture_is_made_once_and_the_oldest_are_forgotten(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(previews, "jpeg_preview", lambda *given: made.append(given) or b"x" * 400)
    monkeypatch.setattr(previews, "_REMEMBERED", 1000)
    queue = queue_of(tmp_path, 0.9, 0.1, 0.5)
    pictures = Previews(queue)
    first, second, third = queue.since(0, 9)
    for photograph in (first, first, second, first, third, first, second):  # the third takes the second's place
        pictures.picture(photograph, heatmap=True, side=96)
    assert len(made) == 4


def test_large_files_are_read_one_at_a_time(tmp_path, monkeypatch):
    queue, now, most = queue_of(tmp_path, 0.9, 0.1, 0.5), [0], [0]
    data = queue.data

    def read(photograph):
        now[0] += 1
        most[0] = max(most[0], now[0])
        time.sleep(0.02)  # in which others would read theirs
        return data(photograph)

    def drawn(*given):
        now[0] -= 1
        return b"x"

    monkeypatch.setattr(queue, "data", read)
    monkeypatch.setattr(previews, "jpeg_preview", drawn)
    for limit, at_once in ((1, [1]), (10**6, [2, 3])):
        monkeypatch.setattr(previews, "_LARGE_FILE", limit)
        most[0] = 0
        pictures = Previews(queue)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda one, on=pictures: on.picture(one, heatmap=False, side=96), queue.since(0, 9)))
        assert most[0] in at_once


def test_a_picture_of_a_file_that_has_gone_is_an_error(tmp_path):
    queue = queue_of(tmp_path, 0.9)
    (photograph,) = queue.since(0, 9)
    photograph.path.unlink()
    with pytest.raises(ImageError, match="cannot be read"):
        Previews(queue).picture(photograph, heatmap=False, side=96)
