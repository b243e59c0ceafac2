"""Entry points of stages and commands: checked parameters, one message per error, exit codes, signals."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, TypeVar

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.files import write_text
from fakefaces.base.leftovers import sweep_project, sweep_temporary
from fakefaces.base.names import shown
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo
from fakefaces.base.secrets import mask_output

if TYPE_CHECKING:
    from fakefaces.base.schema import StageParams

_SOURCE = Path(__file__).parents[2]  # the folder that the package was imported from

P = TypeVar("P", bound="StageParams")


def run_stage(main: Callable[Concatenate[P, Layout, ...], None], params: type[P]) -> None:
    """Call ``main(params, layout, *arguments)`` with the command line's arguments, and exit.

    The exit code is 0, or 1 with a message for a user error, 130 or 143 on a signal.
    """
    from fakefaces.base.schema import read  # pydantic, whose import is half of what a command costs

    def stage(*arguments: str) -> None:
        root = environment.workspace()
        use_source_of(root, sys.argv)
        _check_params(root)
        _check_clock()
        _check_data(root)
        main(read(params, root / "params.yaml"), Layout(root), *arguments)

    sys.exit(error_boundary(stage, *sys.argv[1:]))


def use_source_of(root: Path, arguments: list[str], note: str = "") -> None:
    """Restart with the package in ``root/src`` where another copy of it was imported.

    An experiment may run in a copy of the project, while the project itself is what is installed, and edited since.

    Args:
        root: the project's folder.
        arguments: of the interpreter.
        note: what is said before a restart; nothing where it is empty.
    """
    own = root / "src"
    if (own / "fakefaces" / "__init__.py").is_file() and not own.samefile(_SOURCE):
        path = os.environ.get("PYTHONPATH", "")
        if not path.startswith(str(own)):  # else the restart changed nothing, and would not end
            os.environ["PYTHONPATH"] = f"{own}{os.pathsep}{path}".rstrip(os.pathsep)
            if note:
                echo(note)
            os.execv(sys.executable, [sys.executable, *arguments])


def _check_params(root: Path) -> None:
    """Check the whole of params.yaml, in a process of its own so that no stage depends on the code of the check.

    A check that passed is remembered by the digest of the file and of the package. Stages that run at the same time
    may both check, and write the same digest.
    """
    digest = hashlib.sha256()
    for path in (root / "params.yaml", *sorted((_SOURCE / "fakefaces").rglob("*.py"))):
        digest.update(path.read_bytes())
    passed = root / ".dvc" / "tmp" / "params.sha256"
    if passed.is_file() and passed.read_text(encoding="utf-8") == digest.hexdigest():
        return
    command = [sys.executable, "-m", "fakefaces.preflight"]
    if subprocess.run(command, cwd=root, stdout=subprocess.DEVNULL, check=False).returncode:
        sys.exit(1)
    if (root / ".dvc").is_dir():
        write_text(passed, digest.hexdigest())


def _check_clock() -> None:
    """Refuse a clock before 1980: the zip archives that models are saved in know no earlier time."""
    year = time.localtime().tm_year
    if year < 1980:
        raise FakefacesError(f"this machine's clock says {year}; set it first: models and runs are saved with the time")


def _check_data(root: Path) -> None:
    """Bring a missing ``data/``, and stop where it holds what nobody accepted, in a process as :func:`_check_params`.

    The process remembers what passed by names, sizes and times.
    """
    if (root / "data.dvc").is_file():
        command = [sys.executable, "-m", "fakefaces.ingest"]
        if subprocess.run(command, cwd=root, check=False).returncode:
            sys.exit(1)


def error_boundary(main: Callable[..., None], *arguments: str) -> int:
    """Call ``main`` and turn user errors into a message and an exit code."""
    mask_output()
    sweep_temporary()
    with suppress(FakefacesError):  # outside of a project
        sweep_project(environment.workspace())
    for stream in (sys.stdout, sys.stderr):  # names of files in any locale
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # An exception closes runs and removes temporary files.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    environment.unset_run()
    try:
        main(*arguments)
    except FakefacesError as error:
        echo(f"ERROR {error}")
        return 1
    except KeyboardInterrupt:
        echo("interrupted; run the same command again to resume")
        return 130
    except BrokenPipeError:  # the reader of our output, such as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        return 128 + signal.SIGPIPE
    except MemoryError:
        echo("ERROR not enough memory; close other programs, or set fewer threads; no partial output was left")
        return 1
    except OSError as error:  # a full disk, a folder that may not be written, a file that was taken away
        path = error.filename2 or error.filename  # of a copy the target
        where = f"{shown(str(path))}: " if path else ""
        echo(f"ERROR {where}{error.strerror or error}; no partial output was left")
        return 1
    return 0
