"""The page of `fakefaces watch` needs no network, escapes what comes from users, and has all results."""

import json

from fakefaces.monitoring.observables import Observable
from fakefaces.monitoring.watch import BatchResult, Check, Rule, Sample
from fakefaces.reporting.html.watch_page import write_watch

NUMBER = Observable("p_fake", "score", True, "scores")
CATEGORY = Observable("program", "EXIF Software tag", False, "facts")
CHECKS = [
    Check(
        NUMBER,
        Sample(50, "median 0.1", [0.0, 0.1, 0.9]),
        Sample(40, "median 0.5", [0.2, 0.5, 0.9]),
        0.4,
        1e-6,
        True,
        None,
    ),
    Check(
        CATEGORY,
        Sample(50, "none 100%", None),
        Sample(9, "<script>1</script> 100%", None),
        None,
        None,
        False,
        "9 images",
    ),
]
FACT = {"meaning": "formats are JPEG", "success": False, "severity": "critical", "unexpected": 3, "examples": ["a"]}


def test_the_page_and_the_json_hold_all_batches(tmp_path):
    results = [BatchResult("<b>monday</b>", 50, CHECKS, [FACT]), BatchResult("tuesday", 40, CHECKS[1:], [])]
    page = write_watch(tmp_path / "watch", results, "reference", Rule()).read_text()
    assert "<b>monday" not in page and "<script>" not in page and "&lt;b&gt;monday" in page
    assert "1 of 2 batches give an alarm" in page and "default-src &#39;none&#39;" not in page
    assert "src=" not in page and "http" not in page.split("</style>")[1]
    assert page.count("<svg ") == 1 and page.count("<polyline ") == 2
    assert "formats are JPEG: violated by 3" in page
    written = json.loads((tmp_path / "watch" / "watch.json").read_text())
    assert [len(batch["alarms"]) for batch in written["batches"]] == [2, 0]
    assert written["batches"][0]["checks"][0]["effect"] == 0.4
