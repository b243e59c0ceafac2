"""The memory that this machine, or this container, has left."""

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
