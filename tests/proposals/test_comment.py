"""The script that posts a report: what it takes from an artifact that is not trusted, and what it asks of GitHub."""

import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / ".ci" / "comment.py"
SPEC = importlib.util.spec_from_file_location("comment", SCRIPT)
script = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(script)

GH = """#!{python}
import json, os, sys
from pathlib import Path
arguments = sys.argv[1:]
sent = sys.stdin.read() if "--input" in arguments else None
with Path({log!r}).open("a") as log:
    log.write(json.dumps([arguments, sent]) + "\\n")
if "/pulls/" in arguments[-1]:
    print(json.dumps({{"head": {{"sha": "{head}"}}, "state": "open"}}))
elif "--paginate" in arguments:
    print({comments!r})
"""


@pytest.fixture
def received(tmp_path):
    folder = tmp_path / "received"
    folder.mkdir()
    (folder / "number").write_text("7\n")
    (folder / "comment.md").write_text("## Results\n\n| a | 0.9 [0.8, 1.0] |\n")
    return folder


def run(tmp_path, folder, head="abc", comments="[[]]"):
    """The script with a stand-in for gh; its exit code, what it said, and what was asked."""
    log = tmp_path / "gh.log"
    log.write_text("")
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir(exist_ok=True)
    gh.write_text(GH.format(python=sys.executable, log=str(log), head=head, comments=comments))
    gh.chmod(0o755)
    environ = os.environ | {"PATH": f"{gh.parent}:{os.environ['PATH']}", "REPOSITORY": "o/r", "HEAD_SHA": "abc"}
    done = subprocess.run([sys.executable, SCRIPT, folder], env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr, [json.loads(line) for line in log.read_text().splitlines()]


def test_a_report_is_posted_once_and_replaced_later(tmp_path, received):
    code, _, asked = run(tmp_path, received)
    assert code == 0
    arguments, sent = asked[-1]
    assert arguments[1:4] == ["--method", "POST", "repos/o/r/issues/7/comments"]
    assert json.loads(sent)["body"].startswith(f"{script.MARK}\n\n## Results")
    others = [
        {"id": 1, "user": {"login": "somebody"}, "body": f"{script.MARK} mine"},
        {"id": 2, "user": {"login": script.BOT}, "body": f"{script.MARK} earlier"},
    ]
    _, _, asked = run(tmp_path, received, comments=json.dumps([others[:1], others[1:]]))
    assert asked[-1][0][1:4] == ["--method", "PATCH", "repos/o/r/issues/comments/2"]


def test_a_number_of_another_pull_request_is_refused(tmp_path, received):
    code, said, asked = run(tmp_path, received, head="another")
    assert (code, len(asked)) == (1, 1)
    assert "its head is not the commit that was run" in said


@pytest.mark.parametrize("number", ["", "0", "-1", "7; rm", "7/../8", "١", "1" * 11, "1" * 5000])
def test_what_is_no_number_is_never_asked_for(tmp_path, received, number):
    (received / "number").write_text(number)
    code, said, asked = run(tmp_path, received)
    assert (code, asked) == (1, [])
    assert said.startswith("not posted: ")


@pytest.mark.parametrize("data", [b"x" * 60_001, b"x" * 10**6, b"\xff\xfe", b"a\x1b[31m", "\u202eevil".encode()])
def test_a_comment_that_no_report_is_refused(tmp_path, received, data):
    (received / "comment.md").write_bytes(data)
    assert run(tmp_path, received)[::2] == (1, [])


def test_links_out_of_the_folder_are_not_followed(tmp_path, received):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (received / "comment.md").unlink()
    (received / "comment.md").symlink_to(secret)
    assert run(tmp_path, received)[::2] == (1, [])
    (received / "comment.md").unlink()
    assert run(tmp_path, received)[::2] == (1, [])


def test_nothing_of_a_comment_pings_links_embeds_or_hides():
    hostile = (
        "@everyone <img src=x> <!-- hidden --> [a](https://e.invalid) ![b](x) [c][d]\n[d]: https://e.invalid\n"
        "https://e.invalid www.e.invalid #12 GH-12 <https://e.invalid> a@b.invalid"
    )
    text = script.plain(hostile)
    assert not re.search(r"<|@\w|\]\(|\]\[|\]:|!\[|://|www\.|#\d|GH-\d", text)
    report = "## Results\n\n### By kind\n\n| a | +0.012 [-0.07, +0.10] | `abc` |\n| --- | --- |\n"
    assert script.plain(report) == report
