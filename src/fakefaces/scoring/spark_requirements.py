"""What the engine ``spark`` needs: PySpark, and a Java that runs it.

``python -m fakefaces.scoring.spark_requirements`` says what is missing.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from fakefaces.base.errors import FakefacesError
from fakefaces.base.stage import error_boundary

_OLDEST = 17
_MODULE = "jdk.incubator.vector"  # which PySpark 4 needs, and slim builds leave out
_INSTALL = "install one, such as Debian's openjdk-17-jre-headless, or set JAVA_HOME to it"


def check_spark_requirements() -> None:
    """Return if all is there; otherwise a FakefacesError says what to install."""
    if find_spec("pyspark") is None:
        raise FakefacesError("PySpark is not installed; install it with: uv sync --extra spark")
    _check_java()


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not java or not shutil.which(java):
        where = f"JAVA_HOME ({home}) has none" if home else "there is none on the PATH"
        raise FakefacesError(f"Spark needs Java {_OLDEST} or newer, and {where}; {_INSTALL}")
    described = _output(java, "-version")
    match = re.search(r'version "(\d+)', described)
    version = int(match[1]) if match else 0
    if version < _OLDEST:
        said = described.splitlines()[0] if described else "it does not start"
        raise FakefacesError(f"Spark needs Java {_OLDEST} or newer, and {java} is another ({said}); {_INSTALL}")
    if _MODULE not in _output(java, "--list-modules"):
        raise FakefacesError(f"Spark needs Java's module {_MODULE}, and {java} lacks it; {_INSTALL}")


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(error_boundary(check_spark_requirements))
