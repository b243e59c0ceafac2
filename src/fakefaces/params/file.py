"""The whole of ``params.yaml``, for commands and benchmarks; stages read the sections that they need."""

from pathlib import Path

from pydantic import Field

from fakefaces.base.schema import Count, StageParams, read
from fakefaces.params.augment import Augment
from fakefaces.params.corrupt import Corrupt
from fakefaces.params.duplicates import Duplicates
from fakefaces.params.evaluate import Evaluate
from fakefaces.params.explain import Explain
from fakefaces.params.prepare import Prepare
from fakefaces.params.promote import Promote
from fakefaces.params.report import Report
from fakefaces.params.split import Split
from fakefaces.params.train import Train
from fakefaces.params.tune import Tune
from fakefaces.params.validate import Validate


class Params(StageParams, extra="forbid"):
    """Every section of ``params.yaml``."""

    threads: Count = Field(description="Of TensorFlow's operators and of image decoding; part of the results.")
    jobs: Count = Field(default=1, description="Stages and trainings that run at a time; changes no result.")
    duplicates: Duplicates
    split: Split
    validate_: Validate = Field(alias="validate")
    augment: Augment
    prepare: Prepare
    tune: Tune
    train: Train
    corrupt: Corrupt
    evaluate: Evaluate
    explain: Explain
    report: Report
    promote: Promote


def load(path: Path) -> Params:
    """Read ``params.yaml``; :mod:`fakefaces.preflight` checks references from one section to another."""
    return read(Params, path)
