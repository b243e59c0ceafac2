"""The memory that this machine, or this container, has left, and what this process can give back to it."""

import ctypes
from contextlib import suppress
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Bytes that can be taken before anything is swapped or killed."""
    available = int(psutil.virtual_memory().available)
    try:
        limit, used = ((_CGROUP / f"memory.{name}").read_text().strip() for name in ("max", "current"))
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
        cache = dict(line.split() for line in lines).get("inactive_file", 0)
        return available if limit == "max" else min(available, int(limit) - int(used) + int(cache))
    except (OSError, ValueError):  # no container of cgroup v2
        return available


def give_back_freed() -> None:
    """Give the memory that was freed in this process back to the system, where its C library can be asked to (glibc).

    It keeps freed blocks of up to 32 MB for the next ones: of a network that was loaded, as much as its weights.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
