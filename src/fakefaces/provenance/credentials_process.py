"""The process that reads Content Credentials: bytes in, a small dictionary out."""

import io
import json
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

MAX_TEXT = 200  # characters of a name
MAX_ACTIONS = 16
_MEMORY = 4 * 2**30  # bytes of addresses that the process may take
_OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}


def serve(connection: Connection, trust: str) -> None:
    """Answer until the connection is closed.

    Args:
        connection: sends the content of files, and receives the fields of
            :class:`fakefaces.provenance.credentials.ContentCredentials`, or None.
        trust: the path of a PEM file with the certificates that are trusted, or "".
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal; whoever started this process ends it
    _limit()
    settings: dict[str, Any] = dict(_OFFLINE)
    unread = ""
    if trust:
        try:
            settings["trust"] = {"trust_anchors": Path(trust).read_text(encoding="ascii")}
        except (OSError, UnicodeDecodeError) as error:
            unread = f"FAKEFACES_C2PA_TRUST cannot be read ({error})"
    import c2pa  # noqa: F401, its library is loaded before the first file comes

    connection.send("ready")
    with suppress(EOFError, OSError):
        while True:
            data = connection.recv_bytes()
            connection.send({"note": unread} if unread else read(data, settings))


def read(data: bytes, settings: dict[str, Any]) -> dict[str, Any] | None:
    """What the Content Credentials of a file say; None if it carries none."""
    import c2pa

    try:
        with c2pa.Context.from_dict(settings) as context:
            reader = c2pa.Reader.try_create(None, io.BytesIO(data), context=context)
            if reader is None:
                return None
            with reader:
                return summary(json.loads(reader.json()))
    except c2pa.C2paError as error:
        if str(error).startswith("Remote"):
            return {"note": "they lie at an address, which is not asked"}
        return {"note": f"they are damaged ({_text(str(error))})"}
    except (ValueError, RecursionError, MemoryError):
        return {"note": "they are damaged"}


def summary(store: Any) -> dict[str, Any]:
    """The few fields that are shown of a manifest store, as the library describes it in JSON."""
    manifests = _dict(_dict(store).get("manifests"))
    active = _dict(manifests.get(str(_dict(store).get("active_manifest"))))
    others = [_dict(manifest) for manifest in manifests.values() if manifest != active]
    signature = _dict(active.get("signature_info"))
    generators = [_dict(info) for info in _list(active.get("claim_generator_info"))]
    named = " ".join(str(generators[0].get(key) or "") for key in ("name", "version")) if generators else ""
    state = str(_dict(store).get("validation_state", "")).lower()
    return {
        "state": state if state in ("trusted", "valid") else "invalid",
        "issuer": _text(signature.get("issuer")) or "nobody who is named",
        "claim_generator": _text(named or active.get("claim_generator")),
        "signed": _text(signature.get("time")),
        "actions": [action for manifest in (active, *others) for action in _actions(manifest)][:MAX_ACTIONS],
    }


def _actions(manifest: dict[str, Any]) -> list[dict[str, str | None]]:
    actions = []
    for assertion in _list(manifest.get("assertions")):
        if not str(_dict(assertion).get("label", "")).startswith("c2pa.actions"):
            continue
        for action in _list(_dict(_dict(assertion).get("data")).get("actions"))[:MAX_ACTIONS]:
            kind = str(_dict(action).get("digitalSourceType") or "").rstrip("/").rsplit("/", 1)[-1]
            named = _text(_dict(action).get("action")) or "an action without a name"
            actions.append({"action": named, "digital_source_type": _text(kind)})
    return actions


def _text(value: object) -> str | None:
    """A printable line of at most :data:`MAX_TEXT` characters; None where there is nothing."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(value or "")[: 4 * MAX_TEXT]).split())
    return line[:MAX_TEXT] or None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _limit() -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
