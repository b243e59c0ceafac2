import pytest

from fakefaces.scoring import pace


def test_the_rate_starts_with_the_first_images_and_gives_the_time_left(monkeypatch):
    now = iter([100.0, 104.0, 110.0])
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(now))
    noted = pace.Pace(100)
    assert noted.note(10) == ""  # after 100 seconds of starting
    assert noted.note(8) == "2.0 images/s, 0:00:41 left"
    assert noted.note(32) == "4.0 images/s, 0:00:12 left"


def test_a_single_step_has_no_rate():
    assert pace.Pace(5).note(5) == ""


@pytest.mark.parametrize("total", [0, 1])
def test_no_images_divide_by_nothing(total):
    assert pace.Pace(total).note(0) == ""
