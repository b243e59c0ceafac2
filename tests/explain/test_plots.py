"""What the picture of an explanation says above it."""

import pytest

from fakefaces.explain.explanation import Explanation
from fakefaces.explain.plots import title_of
from fakefaces.inference.score import Score


@pytest.mark.parametrize(
    ("unsure", "unfamiliar", "parts", "title"),
    [
        (False, False, (), "m: 0.700, fake; suspected: none"),
        (True, False, ("left_eye", "nose"), "m: 0.700, fake, unsure; suspected: left eye, nose"),
        (False, True, ("mouth",), "m: 0.700, fake, unfamiliar; suspected: mouth"),
        (True, True, (), "m: 0.700, fake, unsure, unfamiliar; suspected: none"),
        (None, None, (), "m: 0.700, fake; suspected: none"),
    ],
)
def test_the_title_has_the_score_the_doubts_and_the_parts(unsure, unfamiliar, parts, title):
    score = Score(path="a.jpg", p_fake=0.7, label="fake", unsure=unsure, unfamiliar=unfamiliar)
    assert title_of(Explanation(score, parts=parts), "m") == title
