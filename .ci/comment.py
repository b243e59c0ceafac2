#!/usr/bin/env python3
"""Post the report on a pull request: python3 .ci/comment.py FOLDER, with gh, REPOSITORY, HEAD_SHA and GH_TOKEN.

FOLDER was written by the code of the pull request, so it is not trusted: its number has to be that of an open pull
request whose head is HEAD_SHA, its text is short, and what could ping people, link, embed or hide is made plain text.
An earlier report is replaced. Needs nothing but Python's own library.
"""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

MARK = "<!-- fakefaces: report on a pull request -->"
BOT = "github-actions[bot]"
MAX_NUMBER, MAX_BYTES, MAX_CHARACTERS = 12, 240_000, 60_000
_GAP = "\u200b"  # has no width, and ends what GitHub would make a link of
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")  # those that reorder text, too
# A report has none of these.
_PLAIN = (
    (r"<", "&lt;"),
    (r"@", f"@{_GAP}"),
    (r"\](?=[(:\[])", f"]{_GAP}"),
    (r"!(?=\[)", f"!{_GAP}"),
    (r"://", f":{_GAP}//"),
    (r"(?i)\bwww\.", f"www{_GAP}."),
    (r"#(?=\d)", f"#{_GAP}"),
    (r"(?i)\bgh-(?=\d)", f"GH{_GAP}-"),
)


class RefusedError(Exception):
    """What was received is not what a report may be."""


def received(folder: Path) -> tuple[int, str]:
    """The number of the pull request and the text, from a folder that is not trusted."""
    number = _text(folder / "number", MAX_NUMBER).strip()
    if not re.fullmatch(r"[1-9][0-9]{0,9}", number):
        raise RefusedError("the number is none")
    return int(number), plain(_text(folder / "comment.md", MAX_BYTES))


def plain(text: str) -> str:
    """Markdown that can do nothing but be read."""
    if len(text) > MAX_CHARACTERS:
        raise RefusedError(f"the comment has {len(text):,} characters; the limit is {MAX_CHARACTERS:,}")
    if _CONTROL.search(text):
        raise RefusedError("the comment has control characters")
    for pattern, replacement in _PLAIN:
        text = re.sub(pattern, replacement, text)
    return text


def _text(path: Path, limit: int) -> str:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            raise RefusedError(f"{path.name} is no regular file of at most {limit:,} bytes")
        return path.read_bytes()[: limit + 1].decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(f"{path.name} cannot be read ({type(error).__name__})") from None


def _gh(*arguments: str, body: dict[str, str] | None = None) -> str:
    command = ["gh", "api", *arguments, *(["--input", "-"] if body else [])]
    sent = json.dumps(body) if body else None
    return subprocess.run(command, input=sent, capture_output=True, text=True, check=True).stdout


def post(repository: str, head: str, number: int, text: str) -> None:
    """Comment on a pull request, or replace the comment that is there."""
    pull = json.loads(_gh(f"repos/{repository}/pulls/{number}"))
    if (pull["head"]["sha"], pull["state"]) != (head, "open"):
        raise RefusedError(f"pull request {number} is not open, or its head is not the commit that was run")
    pages = json.loads(_gh("--paginate", "--slurp", f"repos/{repository}/issues/{number}/comments"))
    comments = [comment for page in pages for comment in page]
    own = [c["id"] for c in comments if c["user"]["login"] == BOT and c["body"].startswith(MARK)]
    body = {"body": f"{MARK}\n\n{text}"}
    if own:
        _gh("--method", "PATCH", f"repos/{repository}/issues/comments/{own[-1]}", body=body)
    else:
        _gh("--method", "POST", f"repos/{repository}/issues/{number}/comments", body=body)


def main(folder: Path) -> int:
    """Check and post; 1 with a sentence where it is refused."""
    try:
        post(os.environ["REPOSITORY"], os.environ["HEAD_SHA"], *received(folder))
    except RefusedError as refusal:
        print(f"not posted: {refusal}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"not posted: gh: {' '.join(error.stderr.split())[:300]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
