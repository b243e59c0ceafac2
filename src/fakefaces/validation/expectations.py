"""Great Expectations suites for the images, the splits and the shortcut audit.

Critical expectations stop the pipeline, warnings do not.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fakefaces.data.faces import FAKE
from fakefaces.data.splits import SPLITS
from fakefaces.params.validate import Validate
from fakefaces.validation.docs import make_offline
from fakefaces.validation.shortcuts import RuleResult

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.expectations.expectation import Expectation

MAX_EXAMPLES = 10  # failing images or rules in a summary


@dataclass(frozen=True)
class Suite:
    """Expectations of one table."""

    name: str
    table: pd.DataFrame
    index: str  # column that identifies a row
    expectations: "list[Expectation]"  # each with its ``meaning`` in ``meta``


def validate_images(
    table: pd.DataFrame,
    rules: Validate,
    docs: Path | None,
    shortcuts: Sequence[RuleResult] = (),
    *,
    groups_may_separate: bool = False,
) -> dict[str, Any]:
    """Check every image, every split and every shortcut rule.

    Args:
        table: the split table joined with the image facts.
        rules: bounds of images and splits.
        docs: folder to write the Data Docs to, or None.
        shortcuts: results of the shortcut audit.
        groups_may_separate: images of one group in several splits are a warning only, as the protocol allows it.

    Returns:
        What ``reports/validation.json`` holds: ``success`` (no critical expectation failed), the number of ``images``,
        the results of all ``expectations`` and those of the ``shortcuts``.
    """
    with quiet():
        share = rules.min_class_share
        balanced = between("rarer_class_share", share, 0.5, f"each class is at least {share:.0%} of each split")
        known = among("split", SPLITS, "splits are train, validation and test")
        suites = [
            Suite("images", _image_table(table), "image", _image_expectations(rules, groups_may_separate)),
            Suite("splits", _split_table(table), "split", [known, balanced]),
        ]
        if shortcuts:
            meaning = "no rule that sees only the file or the framing separates fakes from reals better than chance"
            expectation = among("beats_chance", [False], meaning, "warning")
            findings = {
                "finding": [str(rule) for rule in shortcuts],
                "beats_chance": [rule.beats_chance for rule in shortcuts],
            }
            suites.append(Suite("shortcuts", pd.DataFrame(findings), "finding", [expectation]))
        results = run_suites(suites, docs)
    if docs:
        make_offline(docs, [(suite.name, all(r.success for r in results[suite.name])) for suite in suites])
    expectations = [summarize(result, suite.index) for suite in suites for result in results[suite.name]]
    return {
        "success": all(e["success"] for e in expectations if e["severity"] == "critical"),
        "images": len(table),
        "expectations": expectations,
        "shortcuts": [{key: _rounded(value) for key, value in asdict(result).items()} for result in shortcuts],
    }


def failures(summary: dict[str, Any], severity: str) -> list[str]:
    """One line for each failed expectation of a severity: its meaning, and the images or rules that violate it."""
    lines = []
    for result in summary["expectations"]:
        if not result["success"] and result["severity"] == severity:
            more = result["unexpected"] - len(result["examples"])
            examples = ", ".join(result["examples"]) + (f" and {more} more" if more > 0 else "")
            lines.append(f"{result['meaning']}: violated by {result['unexpected']}: {examples}")
    return lines


@contextmanager
def quiet() -> Iterator[None]:
    """Silence deprecation warnings and progress messages of Great Expectations."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


def run_suites(suites: Sequence[Suite], docs: Path | None) -> "dict[str, list[ExpectationValidationResult]]":
    """Run the suites, and write the Data Docs to a folder if one is given; returns the results by suite."""
    import great_expectations as gx
    from great_expectations.checkpoint.actions import UpdateDataDocsAction, ValidationAction
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    actions: list[ValidationAction] = []
    if docs:
        context.add_data_docs_site(
            site_name="local",
            site_config={
                "class_name": "SiteBuilder",
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)},
            },
        )
        actions = [UpdateDataDocsAction(name="docs", site_names=["local"])]
    source = context.data_sources.add_pandas("photographs")
    results = {}
    for suite in suites:
        batch = source.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe(suite.name)
        expectations = context.suites.add(gx.ExpectationSuite(name=suite.name, expectations=suite.expectations))
        definition = gx.ValidationDefinition(name=suite.name, data=batch, suite=expectations)
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(
                name=suite.name,
                validation_definitions=[context.validation_definitions.add(definition)],
                actions=actions,
                result_format={"result_format": "COMPLETE", "unexpected_index_column_names": [suite.index]},
            )
        )
        run = checkpoint.run(batch_parameters={"dataframe": suite.table})
        results[suite.name] = [result for validation in run.run_results.values() for result in validation.results]
    return results


def _image_table(table: pd.DataFrame) -> pd.DataFrame:
    """The facts, with columns for the conditions that involve several rows or columns."""
    same, group = table.groupby("sha256"), table.groupby("group")
    split_columns = [column for column in ("split", "fold") if column in table]
    readable = table["readable"].astype(bool)
    known = table["left_eye"].notna()
    frame = table.assign(
        copy_in_other_split=readable & (same["split"].transform("nunique") > 1),
        copy_with_other_label=readable & (same["label"].transform("nunique") > 1),
        group_in_other_split=(group[split_columns].transform("nunique") > 1).any(axis=1),
        copy=readable & table.duplicated("sha256", keep=False),
        shows_face=~(table["faces"] == 0).fillna(False).astype(bool),
        parts_known=known | (not known[table["label"] == FAKE].any()),  # of generated faces no name tells parts
        edited_by=table["program"].replace("", "none"),
    )
    # Great Expectations ignores missing values: an unreadable file, an empty one too, violates only the expectation
    # that min_readable_share sets, whatever its header says.
    for column in ("format", "mode"):
        frame[column] = frame[column].where(readable, None)
    sizes = ("width", "height", "bytes", "orientation")
    return frame.assign(**{column: frame[column].astype("float64").where(readable) for column in sizes})


def _split_table(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each split: the share of its rarer class."""
    fakes = (table["label"] == FAKE).groupby(table["split"]).mean()
    shares = fakes.to_numpy(dtype=float)
    return pd.DataFrame({"split": fakes.index, "rarer_class_share": np.minimum(shares, 1 - shares)})


def among(
    column: str, values: Sequence[object], meaning: str, severity: str = "critical", mostly: float = 1.0
) -> "Expectation":
    """Expect a share of ``mostly`` of a column's values, at least, to be among some; missing ones are ignored."""
    from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
    from great_expectations.expectations.metadata_types import FailureSeverity

    return ExpectColumnValuesToBeInSet(
        column=column,
        value_set=list(values),
        mostly=mostly,
        severity=FailureSeverity(severity),
        meta={"meaning": meaning},
    )


def between(column: str, low: float, high: float, meaning: str, mostly: float = 1.0) -> "Expectation":
    """Expect a share of ``mostly`` of a column's values, at least, to be within bounds, these included."""
    from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.metadata_types import FailureSeverity

    return ExpectColumnValuesToBeBetween(
        column=column,
        min_value=low,
        max_value=high,
        mostly=mostly,
        severity=FailureSeverity.CRITICAL,
        meta={"meaning": meaning},
    )


def _image_expectations(rules: Validate, groups_may_separate: bool) -> "list[Expectation]":
    sides = f"between {rules.min_side} and {rules.max_side} pixels"
    share = rules.min_readable_share
    separated = "warning" if groups_may_separate else "critical"
    return [
        among("readable", [True], f"at least {share:.0%} of the files decode completely", mostly=share),
        among("readable", [True], "every file decodes completely", "warning"),
        among("format", rules.formats, f"formats are {', '.join(rules.formats)}"),
        between("width", rules.min_side, rules.max_side, f"widths are {sides}"),
        between("height", rules.min_side, rules.max_side, f"heights are {sides}"),
        between("bytes", 1, rules.max_bytes, f"files have at most {rules.max_bytes} bytes"),
        among("copy_in_other_split", [False], "no file is in two splits"),
        among("copy_with_other_label", [False], "no file is labelled both real and fake"),
        among("group_in_other_split", [False], "no group of images of one photograph is in two splits", separated),
        among("copy", [False], "no file is a copy of another", "warning"),
        among("mode", ["RGB"], "images are stored as RGB", "warning"),
        among("orientation", [1], "images are stored upright", "warning"),
        among("edited_by", ["none"], "no EXIF Software tag names an editor", "warning"),
        among("shows_face", [True], "a face is found in every photograph", "warning"),
        among(
            "parts_known", [True], "fakes are named by the convention difficulty_number_parts, or none is", "warning"
        ),
    ]


def _rounded(value: Any) -> Any:
    """A metric or an interval rounded, so that two processors write the same bytes."""
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return round(value, 4) if isinstance(value, float) else value


def summarize(result: "ExpectationValidationResult", index: str) -> dict[str, Any]:
    """What summaries hold of the result of one expectation; ``index`` is the column that identifies a row."""
    config, details = result.expectation_config, result.result
    assert config is not None and config.meta is not None
    rows = details.get("unexpected_index_list") or []
    return {
        "meaning": config.meta["meaning"],
        "expectation": config.type,
        "column": config.kwargs["column"],
        "severity": str(getattr(config.severity, "value", config.severity)),
        "success": bool(result.success),
        "unexpected": int(details.get("unexpected_count", 0)),
        "examples": sorted(row[index] for row in rows)[:MAX_EXAMPLES],
    }
