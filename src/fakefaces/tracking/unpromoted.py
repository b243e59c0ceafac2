"""What to do where nothing was promoted in a store."""

from contextlib import suppress

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.paths import Layout


def how_to_promote() -> str:
    """The command that makes a champion.

    ``dvc repro`` runs no stage whose outputs came from a DVC cache or remote (``dvc pull``), so that it logs and
    promotes nothing in the store of a new clone.
    """
    with suppress(FakefacesError):  # outside a project
        if Layout(environment.workspace()).candidate.is_file():
            return "log and promote the project's outputs with: fakefaces doctor --fix"
    return "train and promote one with: dvc repro"
