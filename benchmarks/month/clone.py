"""Clones of the project, and the commands that people and runners type in them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakefaces.base.progress import waiting_for

# A caller's variables, which are not the month's.
_OWN = ("DVC_", "MLFLOW_", "FAKEFACES_", "OPTUNA_", "GIT_", "MAKE", "MFLAGS")


@dataclass(frozen=True)
class Clone:
    """A clone of the project, in which commands run as people and runners type them."""

    root: Path
    month: Path

    def environ(self) -> dict[str, str]:
        """Of its commands: this environment's programs, the clone's code, and the month's store."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        people = {
            f"GIT_{role}_{what}": "anna@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        code = [str(self.root / "src"), *filter(None, [clean.get("PYTHONPATH")])]
        return (
            clean
            | people
            | {
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), clean["PATH"]]),
                "PYTHONPATH": os.pathsep.join(code),
                "MLFLOW_TRACKING_URI": f"sqlite:///{self.month / 'store' / 'mlflow.db'}",
                "GIT_CONFIG_GLOBAL": os.devnull,
            }
        )

    def run(self, *command: str, code: int = 0) -> str:
        """What a command printed; the stages that it runs are told meanwhile. Another exit code ends the month."""
        log, lines = self.month / "log.txt", list[str]()
        waiting = waiting_for(" ".join(command).replace(f"{self.month}/", "")[:100])
        with log.open("a", buffering=1) as file, waiting, self.start(*command, stderr=subprocess.STDOUT) as process:
            file.write(f"$ {' '.join(command)}\n")
            for line in process.stdout or ():
                file.write(line)
                lines.append(line)
                if line.startswith("Running stage"):
                    print(f"         {line.strip()}", file=sys.stderr, flush=True)
        if process.returncode != code:
            said = "".join(lines[-20:])
            raise SystemExit(f"{said}\nERROR {' '.join(command)}: exit code {process.returncode}; {log}")
        return "".join(lines)

    def start(
        self, *command: str, stdout: Any = subprocess.PIPE, stderr: Any = subprocess.PIPE
    ) -> "subprocess.Popen[str]":
        """A command that runs meanwhile."""
        return subprocess.Popen(command, cwd=self.root, env=self.environ(), stdout=stdout, stderr=stderr, text=True)

    def make(self, *target: str) -> str:
        """A target of the Makefile, in the environment that is there."""
        return self.run("make", "-o", "setup", "RUN=", *target)


def linked(source: str, target: str) -> None:
    """A hard link; a copy on another file system. DVC never changes a file of its cache."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
