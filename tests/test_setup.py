"""A checkout that was copied or moved: make notices, and commands run its own code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# uv sync writes no program again that is there; where a path has spaces, it writes it so.
UV = """#!/bin/sh
mkdir -p .venv/bin
echo synced >> .venv/synced
[ -e .venv/bin/dvc ] || cat > .venv/bin/dvc << END
#!/bin/sh
'''exec' '$PWD/.venv/bin/python' "\\$0" "\\$@"
END
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with what `make setup` reads, and a uv that only makes a folder."""
    root = tmp_path / "checkout"
    root.mkdir()
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy2(ROOT / name, root)
    return root


def make(root: Path) -> str:
    """`make setup` with a uv that notes each call in its environment."""
    uv = root.parent / "uv"
    uv.write_text(UV)
    uv.chmod(0o755)
    done = subprocess.run(
        ["make", "setup", f"UV={uv}"], cwd=root, capture_output=True, text=True, check=False, env=os.environ.copy()
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("move", [shutil.copytree, shutil.move], ids=["copied", "moved"])
@pytest.mark.parametrize("by", ["make", "uv"])
def test_the_environment_is_made_anew_where_the_checkout_is_another(checkout, tmp_path, move, by):
    make(checkout)
    make(checkout)
    assert (checkout / ".venv" / "synced").read_text() == "synced\n"
    other = Path(move(checkout, tmp_path / "an other"))
    (other / ".venv" / "of the first").touch()
    if by == "uv":  # an environment that uv sync made alone
        (other / ".venv" / ".ready").unlink()
    assert f"this checkout was copied or moved from {checkout}" in make(other)
    assert sorted(path.name for path in (other / ".venv").iterdir()) == [".ready", "bin", "synced"]
    make(other)
    assert (other / ".venv" / "synced").read_text() == "synced\n"


def test_a_command_in_a_copied_checkout_runs_the_code_of_the_copy(workspace):
    shutil.copytree(ROOT / "src", workspace / "src", ignore=shutil.ignore_patterns("__pycache__"))
    check = workspace / "src" / "fakefaces" / "preflight" / "check.py"
    name = "def check(path: Path) -> str:"
    check.write_text(
        check.read_text().replace(name, f"{name}\n    return 'the copy'\n\n\n{name.replace('check', 'other')}")
    )
    done = subprocess.run(
        [sys.executable, "-m", "fakefaces.cli", "check"],
        cwd=workspace,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "the copy", done.stderr
    assert f"NOTE this environment was made for another checkout; {workspace} is used" in done.stderr
