import cv2
import numpy as np
import pytest

from fakefaces.base.errors import DataError
from fakefaces.duplicates.verification import register


def test_a_fake_is_laid_on_its_base_to_a_fraction_of_a_pixel(picture):
    base = cv2.resize(picture(6), (600, 600), interpolation=cv2.INTER_CUBIC)
    fake = base.copy()
    fake[200:320, 250:380] = 128
    truth = cv2.getRotationMatrix2D((300, 300), 5, 0.93)
    truth[:, 2] += (11.5, -7.25)
    shown = cv2.warpAffine(fake, truth, (560, 580))
    matrix = register(base, shown, min_inliers=13, seed=0)
    corners = np.array([[0, 0, 1], [599, 0, 1], [0, 599, 1], [599, 599, 1]]).T
    assert matrix.shape == (2, 3) and matrix.dtype == np.float64
    assert np.abs(matrix @ corners - truth @ corners).max() < 0.3


def test_strangers_are_refused(picture):
    with pytest.raises(DataError, match="agree in"):
        register(picture(6), picture(7), min_inliers=13, seed=0)
