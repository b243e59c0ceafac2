"""What every stage and command has around it: errors in one line, an exit code, an orderly end on a signal."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import fakefaces
from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.params import Params, load
from fakefaces.base.paths import Layout
from fakefaces.base.progress import echo


def run_stage(main: Callable[..., None]) -> None:
    """Run a stage's ``main(params, layout, *arguments)`` with the command line, by the code of the project.

    Exits with 1 and one clear message where the user can mend what is wrong, with 130 or 143 on a signal.
    """

    def staged(*arguments: str) -> None:
        root = environment.workspace()
        _by_the_code_of(root)
        params: Params = load(root / "params.yaml")
        main(params, Layout(root), *arguments)

    sys.exit(error_boundary(staged, *sys.argv[1:]))


def _by_the_code_of(root: Path) -> None:
    """Start again with the package in this project's ``src/`` where another one was imported.

    A queued or temporary experiment runs in a copy of the project. What is installed is the project itself, which
    may have been edited since.
    """
    own = root / "src"
    imported = Path(fakefaces.__file__).parents[1]
    if (own / "fakefaces" / "__init__.py").is_file() and not own.samefile(imported):
        known = os.environ.get("PYTHONPATH", "")
        if not known.startswith(str(own)):  # else something hides it, and it would go round in circles
            os.environ["PYTHONPATH"] = f"{own}{os.pathsep}{known}".rstrip(os.pathsep)
            os.execv(sys.executable, [sys.executable, *sys.argv])


def error_boundary(main: Callable[..., None], *arguments: str) -> int:
    """Call ``main`` and turn what a user can cause into a message and an exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        main(*arguments)
    except FakefacesError as error:
        echo(f"ERROR {error}")
        return 1
    except KeyboardInterrupt:
        echo("interrupted; run the same command again to go on")
        return 130
    except OSError as error:  # a full disk, a folder that may not be written, a file that was taken away
        where = f"{error.filename}: " if error.filename else ""
        echo(f"ERROR {where}{error.strerror or error}; nothing half-written was left behind")
        return 1
    return 0


def _terminate(number: int, frame: FrameType | None) -> None:
    """End as on an exception, so that runs are closed and temporary files removed."""
    sys.exit(128 + number)
