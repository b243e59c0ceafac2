"""Where a run comes from: the commit and what differs from it, parameters, data, versions, the machine."""

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
# What the pipeline itself writes into the tree is its result, not a change of what it runs on.
_SOURCES = (".", ":(exclude)dvc.lock", ":(exclude)reports")
_CODE = ("src", "pipelines")  # where a file that git does not know yet counts too
_MOST = 1_000_000  # characters of a diff that is kept


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
        environment.dvc_experiment() or "",
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def commit(root: Path) -> str:
    """The full hash of HEAD; ``none`` outside of git or before the first commit."""
    return _git(root, "rev-parse", "--verify", "-q", "HEAD").strip() or "none"


def dirty(root: Path) -> bool:
    """Whether what the pipeline runs on differs from the commit; new code counts."""
    return bool(_git(root, "status", "--porcelain", "--untracked-files=no", "--", *_SOURCES) or _new(root))


def changes(root: Path) -> str:
    """What differs from the commit, as a patch that ``git apply`` takes; new code is in it."""
    parts = [_git(root, "diff", "--binary", "HEAD", "--", *_SOURCES)]
    parts += [_git(root, "diff", "--no-index", "--", os.devnull, path, ends_with=(0, 1)) for path in _new(root)]
    patch = "".join(parts)
    return patch if len(patch) <= _MOST else patch[:_MOST] + "\n# cut off here: the changes are too long to be kept\n"


def machine() -> str:
    """Operating system, processor, cores, and Python, in one line."""
    system, python = f"{platform.system()} {platform.machine()}", platform.python_version()
    return f"{system}, {processor()}, {os.cpu_count()} cores, Python {python}"


def processor() -> str:
    """The processor's name: with another one the last digits of a network may differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


@cache
def versions() -> dict[str, str]:
    """Every installed package with its version."""
    every = (item.metadata for item in distributions())  # read and parsed at each look
    return dict(sorted((about["Name"].lower(), about["Version"]) for about in every if about["Name"]))


def tags(root: Path) -> dict[str, str]:
    """What every run is tagged with."""
    installed = versions()
    found = {
        "mlflow.source.name": f"dvc:{environment.dvc_stage()}" if environment.dvc_stage() else "fakefaces",
        "mlflow.source.git.commit": commit(root),
        "git.dirty": str(dirty(root)).lower(),
        "dvc.stage": environment.dvc_stage() or "",
        "dvc.experiment": environment.dvc_experiment() or "",
        "data.digest": data_digest(root) or "",
        "state": state(root),
        "machine": machine(),
    }
    return found | processes.tags() | {f"version.{name}": installed.get(name, "none") for name in LIBRARIES}


def files(root: Path) -> dict[str, str]:
    """What every stage's run keeps: parameters, pipeline, its lock, the data's, changes, packages; by file name."""
    found = {name: (root / name).read_text(encoding="utf-8") for name in _FILES if (root / name).is_file()}
    found["packages.txt"] = "".join(f"{name}=={version}\n" for name, version in versions().items())
    patch = changes(root)
    return found | ({"changes.patch": patch} if patch else {})


def _new(root: Path) -> list[str]:
    return _git(root, "ls-files", "--others", "--exclude-standard", "--", *_CODE).splitlines()


def _git(root: Path, *arguments: str, ends_with: tuple[int, ...] = (0,)) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except OSError:
        return ""
    return done.stdout.decode(errors="replace") if done.returncode in ends_with else ""
