"""Which process a run belongs to, so that a killed process is distinguished from a running one.

The operating system reuses process numbers, so a process is identified by its number and its start time, within one
host and one container.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

import psutil


def tags() -> dict[str, str]:
    """The tags that identify this process."""
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "pid": str(pid),
        "pid.space": _pid_namespace(),
        "pid.started": _start_time(pid) or "",
    }


def is_local(tags: Mapping[str, str]) -> bool:
    """Whether the tagged process ran on this host, in this container."""
    return tags.get("host") == socket.gethostname() and tags.get("pid.space", "") == _pid_namespace()


def has_ended(tags: Mapping[str, str]) -> bool:
    """Whether the tagged process ran here and has ended; False where that cannot be known."""
    if not is_local(tags) or not tags.get("pid", "").isdigit():
        return False
    start, tagged = _start_time(int(tags["pid"])), tags.get("pid.started", "")
    # Earlier versions wrote "<boot id>:<clock ticks>": of those only the number is compared.
    return start is None or (start != tagged and ":" not in tagged)


def _pid_namespace() -> str:
    """The container's process namespace; empty where the system has none."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _start_time(pid: int) -> str | None:
    """Seconds from the boot to the process's start; None if it has ended or is a zombie."""
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        # Relative to the boot, as a corrected clock moves both times.
        return f"{process.create_time() - psutil.boot_time():.2f}"
    except psutil.Error:
        return None
