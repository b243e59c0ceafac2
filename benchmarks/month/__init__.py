"""A month of the whole loop on drawn faces, by the project's own commands, each step checked: docs/operations.md.

    uv run python -m benchmarks.month FOLDER        # new or empty; `make month` makes month/

The folder gets ``hub.git`` and ``dvc``, the remotes; ``store``, the MLflow store; ``project``, a clone as a person has
one, and ``runner``, one as a runner of continuous integration has; and what people look at. The checkout that this
file lies in lends its last commit and, by hard links, DVC's cache, so that what it has made is not made again. The
project has a part of the models of ``params.yaml``, for the time's sake. The exit code is 1 where anything goes
otherwise than docs/operations.md says.
"""
