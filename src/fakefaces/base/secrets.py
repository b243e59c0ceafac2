"""Passwords and tokens, masked in whatever is printed, logged or kept."""

import logging
import os
import re
import sys
import traceback
from contextlib import suppress
from types import TracebackType
from urllib.parse import unquote

_MASK = "***"
_SHORTEST = 4  # characters; a shorter one is masked within addresses only, as it might be part of any word
_SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|(API|ACCOUNT|PRIVATE|KAGGLE)_?KEY", re.IGNORECASE)
# A password may hold @ and /, so it ends at the last @; digits before a slash are a port.
_PASSWORD = re.compile(r"(://[^:@/\s'\"<>]*:)(?!\d+/)([^\s'\"<>]+)@")
_TOKEN = re.compile(r"(https?://)[^:@/\s'\"<>]+@")
_ADDRESS = re.compile(r"://[^\s'\"<>]+")
_PARAMETER = re.compile(r"([?&;][\w.-]*(?:pass|pwd|token|secret|sig|credential|key)[\w.-]*=)[^&;]+", re.IGNORECASE)


def masked(text: str) -> str:
    """A text in which ``***`` stands for each secret.

    Secrets are the passwords, tokens and keys in its addresses, and those that the environment holds: in addresses
    such as ``MLFLOW_TRACKING_URI``, and in variables such as ``MLFLOW_TRACKING_PASSWORD`` or ``AWS_SECRET_ACCESS_KEY``.
    """
    text = _PASSWORD.sub(rf"\1{_MASK}@", text)
    text = _TOKEN.sub(rf"\1{_MASK}@", text)
    text = _ADDRESS.sub(lambda address: _PARAMETER.sub(rf"\1{_MASK}", address[0]), text)
    for secret in _environment_secrets():
        if secret in text:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _MASK, text)
    return text


def mask_output() -> None:
    """Mask the secrets in log records of all libraries, and in the traceback of a bug."""
    logging.setLogRecordFactory(_masked_record)
    sys.excepthook = _print_masked


def _environment_secrets() -> list[str]:
    """The secrets in environment variables, the longest first, also as they are when percent-decoded."""
    secrets = set()
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and "://" not in value:
            secrets.add(value)
        if "://" in value:
            secrets |= {match[2] for match in _PASSWORD.finditer(value)}
    secrets |= {unquote(secret) for secret in secrets}
    return sorted((secret for secret in secrets if len(secret) >= _SHORTEST), key=len, reverse=True)


def _masked_record(*arguments: object, **options: object) -> logging.LogRecord:
    record = logging.LogRecord(*arguments, **options)  # type: ignore[arg-type]
    with suppress(TypeError, ValueError):  # arguments that do not fit the message, which logging reports itself
        record.msg, record.args = masked(record.getMessage()), None
    return record


def _print_masked(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    print(masked("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)
