"""What every stage and command has around it: errors in one line, an exit code, an orderly end on a signal."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.layout import Layout
from fakefaces.base.params import Params, load
from fakefaces.base.progress import say


def run_stage(main: Callable[..., None]) -> None:
    """Run a stage's ``main(params, layout, *arguments)`` with what stands on the command line.

    Exits with 1 and one clear message where the user can mend what is wrong, with 130 or 143 on a signal.
    """

    def staged(*arguments: str) -> None:
        root = environment.workspace()
        params: Params = load(root / "params.yaml")
        main(params, Layout(root), *arguments)

    sys.exit(guarded(staged, *sys.argv[1:]))


def guarded(main: Callable[..., None], *arguments: str) -> int:
    """Call ``main`` and turn what a user can cause into a message and an exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        main(*arguments)
    except FakefacesError as error:
        say(f"ERROR {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; run the same command again to go on")
        return 130
    except OSError as error:  # a full disk, a folder that may not be written, a file that was taken away
        where = f"{error.filename}: " if error.filename else ""
        say(f"ERROR {where}{error.strerror or error}; nothing half-written was left behind")
        return 1
    return 0


def _terminate(number: int, frame: FrameType | None) -> None:
    """End as on an exception, so that runs are closed and temporary files removed."""
    sys.exit(128 + number)
