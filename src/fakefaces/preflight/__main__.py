"""``python -m fakefaces.preflight``: check the parameters of the project that we are in."""

import sys

from fakefaces.base import environment
from fakefaces.base.stage import error_boundary
from fakefaces.params.file import load

sys.exit(error_boundary(lambda: print(load(environment.workspace() / "params.yaml").seed)))
