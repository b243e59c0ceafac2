"""Bring the photographs: ``run_stage`` copies a missing ``data/`` from DVC's cache or the sample before any stage."""

from fakefaces.base.files import write_text
from fakefaces.base.paths import Layout
from fakefaces.base.schema import StageParams
from fakefaces.base.stage import run_stage

MARKER = "data/ is there\n"  # the same everywhere, as data.dvc depends on it


def main(params: StageParams, layout: Layout) -> None:
    write_text(layout.fetched, MARKER)


if __name__ == "__main__":
    run_stage(main, StageParams)
