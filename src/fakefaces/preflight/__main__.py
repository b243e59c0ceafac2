"""``python -m fakefaces.preflight``: check the ``params.yaml`` of the project that we are in."""

import sys

from fakefaces.base import environment
from fakefaces.base.stage import error_boundary
from fakefaces.preflight.check import check

sys.exit(error_boundary(lambda: print(check(environment.workspace() / "params.yaml"))))
