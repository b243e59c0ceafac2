"""Passwords, tokens and keys are masked wherever a text is shown or kept."""

import logging
import os
import subprocess
import sys

import pytest

from fakefaces.base.errors import FakefacesError
from fakefaces.base.secrets import masked
from fakefaces.base.stage import error_boundary


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("'postgresql+pg8000://me:a@b/c@host:5432/db' x", "'postgresql+pg8000://me:***@host:5432/db' x"),
        ("postgresql://me@host/db?x=1&password=secret&y=2", "postgresql://me@host/db?x=1&password=***&y=2"),
        ("https://ghp_token@github.com/x", "https://***@github.com/x"),
        ("https://host/x?X-Amz-Signature=secret", "https://host/x?X-Amz-Signature=***"),
    ],
)
def test_what_an_address_keeps_to_itself(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:5000/users/a@b",
        "sqlite:////home/a b/mlflow.db",
        "models:/fake-faces@champion",
        "postgresql://me@host/db",
        "x ? token=function(a) : b",  # a page's script
    ],
)
def test_what_is_no_secret_stays(text):
    assert masked(text) == text


def test_secrets_of_the_environment_are_masked_alone_too(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:s3cr%40t@host/db")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abcdef")
    assert masked("s3cr@t and s3cr%40t and abcdef, but abcdefg") == "*** and *** and ***, but abcdefg"


def test_messages_and_the_logs_of_libraries_are_masked(monkeypatch, capfd):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter22")

    def main():
        logging.getLogger("some.package").warning("failed for %s", "hunter22")
        raise FakefacesError("http://me:hunter22@host is away")

    factory, hook = logging.getLogRecordFactory(), sys.excepthook
    handler = logging.StreamHandler()
    logging.getLogger("some.package").addHandler(handler)
    try:
        assert error_boundary(main) == 1
    finally:
        logging.getLogger("some.package").removeHandler(handler)
        logging.setLogRecordFactory(factory)
        sys.excepthook = hook
    assert capfd.readouterr().err == "failed for ***\nERROR http://me:***@host is away\n"


def test_the_traceback_of_a_bug_is_masked():
    code = (
        "from fakefaces.base.stage import error_boundary\n"
        "def main(): raise ZeroDivisionError('postgresql://me:secret@host')\n"
        "error_boundary(main)\n"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=code, env=os.environ.copy(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ZeroDivisionError: postgresql://me:***@host" in done.stderr
    assert "secret" not in done.stderr
