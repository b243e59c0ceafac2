"""Text in the page."""

from fakefaces.reporting.rendering import breakable


def test_names_break_after_underscores_intervals_do_not_and_all_is_escaped():
    assert str(breakable("custom_cnn")) == "custom_<wbr>cnn"
    assert str(breakable("0.5 [0.4, 0.6]")) == "0.5 [0.4,\N{NO-BREAK SPACE}0.6]"
    assert str(breakable("<b>_&")) == "&lt;b&gt;_<wbr>&amp;"
