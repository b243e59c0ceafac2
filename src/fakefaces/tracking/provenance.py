"""The provenance of a run: commit and uncommitted changes, parameters, data, packages, machine."""

import getpass
import hashlib
import os
import platform
import subprocess
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import yaml

from fakefaces.base import environment
from fakefaces.tracking import processes

LIBRARIES = ("fakefaces", "tensorflow", "keras", "mlflow", "dvc", "albumentations", "optuna", "numpy", "scikit-learn")
_FILES = ("params.yaml", "dvc.yaml", "dvc.lock", "data.dvc")
# What the pipeline itself writes into the tree is its result, not a change of its inputs.
_SOURCES = (".", ":(exclude)dvc.lock", ":(exclude)reports")
_CODE = ("src", "pipelines")  # where an untracked file is a change too
_MAX_PATCH = 1_000_000  # characters


def data_digest(root: Path) -> str | None:
    """The digest of ``data/`` as ``data.dvc`` has it; None where there is none."""
    try:
        outs = yaml.safe_load((root / "data.dvc").read_text(encoding="utf-8"))["outs"]
        return str(outs[0]["md5"])
    except (OSError, yaml.YAMLError, LookupError, TypeError):
        return None


def state(root: Path) -> str:
    """The digest of commit, parameters, data and experiment: runs with the same one belong to one parent run."""
    params = hashlib.sha256((root / "params.yaml").read_bytes()).hexdigest()
    parts = (_commit(root), params, data_digest(root) or "", environment.dvc_experiment() or "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def dirty(root: Path) -> bool:
    """Whether the inputs of the pipeline differ from the commit; untracked code counts."""
    return bool(_git(root, "status", "--porcelain", "--untracked-files=no", "--", *_SOURCES) or _untracked_code(root))


def changes(root: Path) -> str:
    """The uncommitted changes, untracked code included, as a patch for ``git apply``."""
    patch = _git(root, "diff", "--binary", "HEAD", "--", *_SOURCES)
    for path in _untracked_code(root):
        patch += _git(root, "diff", "--no-index", "--", os.devnull, path, exit_codes=(0, 1))
    return patch if len(patch) <= _MAX_PATCH else patch[:_MAX_PATCH] + "\n# cut off here: the patch is too long\n"


def user() -> str:
    """The name of the current user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "unknown"


def machine() -> str:
    """Operating system, processor, cores, and Python: on another one the last digits of a network may differ."""
    system, python = f"{platform.system()} {platform.machine()}", platform.python_version()
    return f"{system}, {_processor()}, {os.cpu_count()} cores, Python {python}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


@cache
def versions() -> dict[str, str]:
    """Every installed package with its version."""
    packages = (item.metadata for item in distributions())  # read and parsed at each access
    return dict(sorted((package["Name"].lower(), package["Version"]) for package in packages if package["Name"]))


def tags(root: Path) -> dict[str, str]:
    """The tags of every run."""
    installed, stage = versions(), environment.dvc_stage()
    provenance = {
        "mlflow.user": user(),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": f"dvc:{stage}" if stage else "fakefaces",
        "mlflow.source.git.commit": _commit(root),
        "git.dirty": str(dirty(root)).lower(),
        "dvc.stage": stage or "",
        "dvc.experiment": environment.dvc_experiment() or "",
        "data.digest": data_digest(root) or "",
        "state": state(root),
        "machine": machine(),
    }
    return provenance | processes.tags() | {f"version.{name}": installed.get(name, "none") for name in LIBRARIES}


def files(root: Path) -> dict[str, str]:
    """The texts that are logged with every stage's run, by file name."""
    texts = {name: (root / name).read_text(encoding="utf-8") for name in _FILES if (root / name).is_file()}
    texts["packages.txt"] = "".join(f"{name}=={version}\n" for name, version in versions().items())
    patch = changes(root)
    return texts | ({"changes.patch": patch} if patch else {})


def _commit(root: Path) -> str:
    """The full hash of HEAD; ``none`` outside of git or before the first commit."""
    return _git(root, "rev-parse", "--verify", "-q", "HEAD").strip() or "none"


def _untracked_code(root: Path) -> list[str]:
    return _git(root, "ls-files", "--others", "--exclude-standard", "--", *_CODE).splitlines()


def _git(root: Path, *arguments: str, exit_codes: tuple[int, ...] = (0,)) -> str:
    try:
        process = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except OSError:
        return ""
    return process.stdout.decode(errors="replace") if process.returncode in exit_codes else ""
