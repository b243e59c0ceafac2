"""Which process a run belongs to, so that one that was killed outright is told from one that is at work.

The operating system gives a process number again once its process is gone. So a process is known by its number
and its start, within one boot and one container's numbers.
"""

import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

_PROC = Path("/proc")


def tags() -> dict[str, str]:
    """What tells this process from all others: ``host``, ``pid``, ``pid.space`` and ``pid.started``."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": str(pid), "pid.space": _space(), "pid.started": _started(pid) or ""}


def here(tags: Mapping[str, str]) -> bool:
    """Whether tags are of a process whose number means something here: on this host, in this container."""
    return tags.get("host") == socket.gethostname() and tags.get("pid.space", "") == _space()


def gone(tags: Mapping[str, str]) -> bool:
    """Whether tags are of a process of this host that has ended; False where that cannot be known."""
    if not here(tags) or not tags.get("pid", "").isdigit():
        return False
    return _started(int(tags["pid"])) != tags.get("pid.started")


def _space() -> str:
    """The container's own numbering of processes; empty where there is but one."""
    try:
        return str((_PROC / "self" / "ns" / "pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """When a process started; None if it is gone, or is dead and only waits for its parent to take note."""
    if (_PROC / "self" / "stat").exists():
        try:
            state, *fields = (_PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
            boot = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
        except OSError:
            return None
        return None if state in "ZX" else f"{boot}:{fields[18]}"  # in clock ticks after the boot
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
