"""Where a run comes from: the commit, the state of the tree, the data's digest, the machine."""

import hashlib
import os
import platform
import socket
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

from fakefaces.base import environment

_LIBRARIES = ("fakefaces", "tensorflow", "keras", "mlflow", "dvc", "albumentations", "optuna", "numpy")


def data_digest(root: Path) -> str | None:
    """The digest of ``data/`` as ``data.dvc`` has it; None where there is none."""
    try:
        outs = yaml.safe_load((root / "data.dvc").read_text(encoding="utf-8"))["outs"]
        return str(outs[0]["md5"])
    except (OSError, yaml.YAMLError, LookupError, TypeError):
        return None


def state(root: Path) -> str:
    """What makes two runs of the pipeline one: commit, parameters, data and experiment, in one digest."""
    parts = (
        commit(root),
        hashlib.sha256((root / "params.yaml").read_bytes()).hexdigest(),
        data_digest(root) or "",
        environment.experiment() or "",
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def commit(root: Path) -> str:
    """The full hash of HEAD; ``none`` outside of git or before the first commit."""
    return _git(root, "rev-parse", "--verify", "-q", "HEAD") or "none"


def tags(root: Path) -> dict[str, str]:
    """What every run is tagged with."""
    found = {
        "mlflow.source.name": f"dvc:{environment.stage()}" if environment.stage() else "fakefaces",
        "mlflow.source.git.commit": commit(root),
        "git.dirty": str(bool(_git(root, "status", "--porcelain", "--untracked-files=no"))).lower(),
        "dvc.stage": environment.stage() or "",
        "dvc.experiment": environment.experiment() or "",
        "data.digest": data_digest(root) or "",
        "state": state(root),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        "host": socket.gethostname(),
        "pid": str(os.getpid()),
    }
    return found | {f"version.{name}": _version(name) for name in _LIBRARIES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
