"""``python -m fakefaces.ingest``: check before a stage starts that ``data/`` is there, and as a person accepted it."""

import sys

from fakefaces.base import environment
from fakefaces.base.stage import error_boundary
from fakefaces.ingest.changes import check

sys.exit(error_boundary(lambda: check(environment.workspace())))
