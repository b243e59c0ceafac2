"""Great Expectations' suite of a batch: the bounds that the images of the training data had to keep."""

from typing import Any

import pandas as pd

from fakefaces.base.progress import waiting_for
from fakefaces.params.validate import Validate
from fakefaces.validation.expectations import Suite, among, between, quiet, run_suites, summarize


def check_facts(rows: pd.DataFrame, rules: Validate, mostly: float) -> list[dict[str, Any]]:
    """Check the facts of a batch.

    Args:
        rows: with :data:`fakefaces.monitoring.batches.COLUMNS`.
        rules: the bounds of the training data's images.
        mostly: share of the images that must keep each bound. A single odd photograph is no alarm.

    Returns:
        A summary for each expectation: see :func:`fakefaces.validation.expectations.summarize`. An image without facts
        is ignored.
    """
    with waiting_for("Great Expectations"), quiet():
        share = f"at least {mostly:.0%} of"
        sides = f"between {rules.min_side} and {rules.max_side} pixels"
        expectations = [
            among("scored", [True], f"{share} the images have a score", mostly=mostly),
            among("format", rules.formats, f"{share} the formats are {', '.join(rules.formats)}", mostly=mostly),
            between("width", rules.min_side, rules.max_side, f"{share} the widths are {sides}", mostly),
            between("height", rules.min_side, rules.max_side, f"{share} the heights are {sides}", mostly),
            between("bytes", 1, rules.max_bytes, f"{share} the files have at most {rules.max_bytes} bytes", mostly),
            among("mode", ["RGB"], f"{share} the images are stored as RGB", "warning", mostly),
        ]
        names = rows["path"].astype("string").fillna(rows.index.to_series().astype("string"))
        table = rows.assign(scored=rows["problem"].isna(), path=names)
        suite = Suite("batch", table, "path", expectations)
        results = run_suites([suite], None)["batch"]
    return [summarize(result, suite.index) for result in results]
