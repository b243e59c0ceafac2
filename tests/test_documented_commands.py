"""Every command of the documentation is run as printed, but for the substitutions of tests/documented.py."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Project
from tests.documented import (
    EXCEPTIONS,
    PAGES,
    PYTHON,
    REFUSALS,
    SERVERS,
    SUBSTITUTIONS,
    commands,
    exception,
    substituted,
)

RUN = [page for page in PAGES if any(exception(command) is None for command in commands(page))]
_SECONDS = 300  # for a server to answer, on a busy machine


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Reader:
    """A person who types the commands of one page into one shell, in a project whose pipeline has run."""

    def __init__(self, project: Project):
        self.project = project
        self.ports = {"ui": free_port(), "serve": free_port()}
        self.exports: list[str] = []
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        root = project.root
        for name in ("Makefile", "pyproject.toml", "uv.lock"):
            shutil.copy(ROOT / name, root)
        (root / ".venv").mkdir(exist_ok=True)
        (root / ".venv" / ".ready").touch()  # these tests' environment stands for the project's
        photographs = sorted((root / "samples" / "training_fake").iterdir())
        shutil.copy(photographs[0], root / "photo.jpg")
        shutil.copy(photographs[1], root / "other.png")
        (root / "folder").mkdir()
        shutil.copy(photographs[2], root / "folder")
        (root / "labels.csv").write_text("path,label\nphoto.jpg,fake\n")
        self.home = root.parent / "home"
        downloads = self.home / "Downloads"
        shutil.copytree(root / "samples", downloads / "real_and_fake_face", dirs_exist_ok=True)
        shutil.make_archive(str(downloads / "archive"), "zip", root / "samples")
        for name, folder in (
            ("holidays", "training_real"),
            ("edited", "training_fake"),
            ("photographs", "training_real"),
        ):
            shutil.copytree(root / "samples" / folder, root / name)

    def environ(self) -> dict[str, str]:
        git = {"GIT_CONFIG_GLOBAL": os.devnull}
        return self.project.environ(HOME=str(self.home), **git)

    def type(self, printed: str) -> str | None:
        """Run one command; returns what is wrong with what it did, or None."""
        if exception(printed):
            return None
        command = substituted(printed, self.ports)
        if printed.startswith("export "):
            self.exports.append(command)
            return None
        if printed.startswith(SERVERS):
            self.start("ui" if printed.startswith("make ui") else "serve", command)
            return None
        if f"127.0.0.1:{self.ports['serve']}" in command and "serve" not in self.servers:
            self.start("serve", substituted("make serve ", self.ports))
        program = [sys.executable, "-c"] if printed.startswith(PYTHON) else ["bash", "-c"]
        lines = [command] if printed.startswith(PYTHON) else [*self.exports, command]
        done = subprocess.run(
            [*program, "\n".join(lines)],
            cwd=self.project.root,
            env=self.environ(),
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        if "Traceback (most recent call last)" in said:
            return f"{printed}\n{said[-2000:]}"
        refusal = next((sentence for part, sentence in REFUSALS.items() if part in printed), None)
        if done.returncode and not (refusal and refusal in said):
            return f"{printed}\n{done.returncode}: {said[-1500:]}"
        return None

    def start(self, name: str, command: str) -> None:
        """Start a server, and wait until it answers."""
        with (self.project.root.parent / f"{name}.log").open("w") as log:
            self.servers[name] = subprocess.Popen(
                ["bash", "-c", command],
                cwd=self.project.root,
                env=self.environ(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        path, end = "/ping" if name == "serve" else "/health", time.monotonic() + _SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}{path}", timeout=10).close()
                return
            except OSError:
                log_text = (self.project.root.parent / f"{name}.log").read_text()
                assert self.servers[name].poll() is None and time.monotonic() < end, log_text
                time.sleep(0.5)

    def close(self) -> None:
        for server in self.servers.values():
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


@pytest.fixture
def reader(copied: Callable[[str], Project]) -> Iterator[Reader]:
    person = Reader(copied("project"))
    yield person
    person.close()


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_the_commands_of_a_page_do_what_they_say(reader: Reader, page: Path) -> None:
    failed = [problem for command in commands(page) if (problem := reader.type(command))]
    assert not failed, "\n\n".join(failed)
    stray = {path.name for path in reader.project.root.glob("*.db*")}
    assert not stray, "another store than the project's was opened"


def test_the_tables_name_nothing_that_no_page_prints():
    printed = [command for page in PAGES for command in commands(page)]
    assert len(printed) > 50
    for part in [*EXCEPTIONS, *(part for part, _ in SUBSTITUTIONS), *REFUSALS, *SERVERS]:
        assert any(part in command for command in printed), part
