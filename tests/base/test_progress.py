from fakefaces.base import progress


def test_a_log_file_gets_a_line_at_the_end(capfd):
    assert list(progress.track(iter("abc"), "reading", 3)) == ["a", "b", "c"]
    assert capfd.readouterr().err == "reading: 3/3\n"
    with progress.progress("scoring", 10) as step:
        step(4, "")
        step(6, "all")
    assert capfd.readouterr().err == "scoring: 10/10 all\n"
