"""Whether the system's Java is one that runs PySpark."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from fakefaces.base.errors import FakefacesError

_OLDEST = 17
_MODULE = "jdk.incubator.vector"  # which PySpark 4 needs, and slim builds leave out
_INSTALL = "install one, such as Debian's openjdk-17-jre-headless, or set JAVA_HOME to it"


def check_java() -> None:
    """Return if there is a Java that runs PySpark; otherwise a FakefacesError says what to install."""
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
