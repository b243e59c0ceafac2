"""Great Expectations over the image facts: what stops the pipeline, and what is only worth knowing."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fakefaces.data.faces import FAKE
from fakefaces.validation.docs import make_offline
from fakefaces.validation.shortcuts import Finding

NAMED = 10  # offending images that a summary names
_DIGITS = 4  # of a figure in the summary


@dataclass(frozen=True)
class Rules:
    """What an image and a split must be.

    Attributes:
        formats: file formats that are taken.
        min_side: smallest width and height in pixels.
        max_side: largest width and height in pixels.
        max_bytes: largest file.
        min_class_share: smallest share of either class in each split.
        min_readable_share: share of the files that must decode; the others are left out with a warning.
    """

    formats: Sequence[str]
    min_side: int
    max_side: int
    max_bytes: int
    min_class_share: float
    min_readable_share: float


def validate_images(
    table: pd.DataFrame,
    rules: Rules,
    docs: Path | None,
    findings: Sequence[Finding] = (),
    *,
    groups_may_separate: bool = False,
) -> dict[str, Any]:
    """Hold every image, every split and every finding of the shortcut audit against the rules.

    Args:
        table: the split table joined with the image facts.
        rules: the bounds.
        docs: folder for the Data Docs, or None.
        findings: of :func:`fakefaces.validation.shortcuts.audit`.
        groups_may_separate: the protocol lets images of one group stand in several splits, so that this is
            worth a warning only.

    Returns:
        ``success`` (no critical expectation failed), ``images``, ``expectations``: for each its meaning,
        severity, success, how many images or rules break it, and the first ten of them; and ``shortcuts``: the
        findings.
    """
    warnings.simplefilter("ignore")  # Great Expectations' own deprecations, in a process that ends after it
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    sites = _docs_site(context, docs) if docs else []
    source = context.data_sources.add_pandas("photographs")
    results: list[dict[str, Any]] = []
    checked: list[tuple[str, bool]] = []
    suites = [
        ("images", _judged(table), "image", _image_expectations(gx.expectations, rules, groups_may_separate)),
        ("splits", _balance(table), "split", _split_expectations(gx.expectations, rules)),
    ]
    if findings:
        suites.append(("shortcuts", _told(findings), "finding", _shortcut_expectations(gx.expectations)))
    for name, frame, index, expectations in suites:
        batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe(name)
        suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=expectations))
        definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
        actions = [gx.checkpoint.UpdateDataDocsAction(name="docs", site_names=sites)] if sites else []
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(
                name=name,
                validation_definitions=[definition],
                actions=actions,
                result_format={"result_format": "COMPLETE", "unexpected_index_column_names": [index]},
            )
        )
        run = checkpoint.run(batch_parameters={"dataframe": frame})
        for validation in run.run_results.values():
            results += [_summary(result, index) for result in validation.results]
            checked.append((name, bool(validation.success)))
    if docs:
        make_offline(docs, checked)
    failed = [r for r in results if not r["success"] and r["severity"] == "critical"]
    shortcuts = [_rounded(asdict(finding)) for finding in findings]
    return {"success": not failed, "images": len(table), "expectations": results, "shortcuts": shortcuts}


def failures(summary: dict[str, Any], severity: str) -> list[str]:
    """One line for each failed expectation of a severity: its meaning and the images or rules that break it."""
    lines = []
    for result in summary["expectations"]:
        if not result["success"] and result["severity"] == severity:
            more = result["unexpected"] - len(result["examples"])
            named = ", ".join(result["examples"]) + (f" and {more} more" if more > 0 else "")
            lines.append(f"{result['meaning']}: not so for {result['unexpected']}: {named}")
    return lines


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    """The facts with the judgements that a single column cannot hold."""
    same, group = table.groupby("sha256"), table.groupby("group")
    parts = [column for column in ("split", "fold") if column in table]
    known = table["sha256"] != ""
    frame = table.assign(
        copy_in_other_split=known & (same["split"].transform("nunique") > 1),
        copy_with_other_label=known & (same["label"].transform("nunique") > 1),
        group_in_other_split=(group[parts].transform("nunique") > 1).any(axis=1),
        copy=known & table.duplicated("sha256", keep=False),
        parts_known=table["left_eye"].notna(),
        edited_by=table["program"].replace("", "none"),
    )
    # Great Expectations passes over missing values: an unreadable file breaks one expectation, not six.
    for column in ("format", "mode"):
        frame[column] = frame[column].mask(frame[column] == "", None)
    sizes = {column: frame[column].astype("float64") for column in ("width", "height", "bytes", "orientation")}
    return frame.assign(**sizes)


def _told(findings: Sequence[Finding]) -> pd.DataFrame:
    """One row a rule, named with its figure so that a failure tells it."""
    return pd.DataFrame(
        {"finding": [str(finding) for finding in findings], "beats_chance": [f.beats_chance for f in findings]}
    )


def _balance(table: pd.DataFrame) -> pd.DataFrame:
    """One row a split: how many images, and the share of the rarer class."""
    fakes = (table["label"] == FAKE).groupby(table["split"]).mean()
    shares = fakes.to_numpy(dtype=float)
    return pd.DataFrame({"split": fakes.index, "rarer_class_share": np.minimum(shares, 1 - shares)})


def _image_expectations(ge: Any, rules: Rules, groups_may_separate: bool) -> list[Any]:
    def among(column: str, values: list[Any], meaning: str, severity: str, mostly: float = 1.0) -> Any:
        return ge.ExpectColumnValuesToBeInSet(
            column=column, value_set=values, mostly=mostly, severity=severity, meta={"meaning": meaning}
        )

    def between(column: str, low: float, high: float, meaning: str) -> Any:
        return ge.ExpectColumnValuesToBeBetween(
            column=column, min_value=low, max_value=high, severity="critical", meta={"meaning": meaning}
        )

    sides = f"between {rules.min_side} and {rules.max_side} pixels"
    share = rules.min_readable_share
    separated = "warning" if groups_may_separate else "critical"
    return [
        among("readable", [True], "files are whole images", "critical", mostly=share),
        among("readable", [True], "every file is a whole image", "warning"),
        among("format", list(rules.formats), f"formats are {', '.join(rules.formats)}", "critical"),
        between("width", rules.min_side, rules.max_side, f"widths are {sides}"),
        between("height", rules.min_side, rules.max_side, f"heights are {sides}"),
        between("bytes", 1, rules.max_bytes, f"files have at most {rules.max_bytes} bytes"),
        among("copy_in_other_split", [False], "no photograph stands in two splits", "critical"),
        among("copy_with_other_label", [False], "no photograph is labelled both real and fake", "critical"),
        among("group_in_other_split", [False], "no group of images that share a photograph is separated", separated),
        among("copy", [False], "no file is there twice", "warning"),
        among("mode", ["RGB"], "images are stored as RGB", "warning"),
        among("orientation", [1], "images are stored upright", "warning"),
        among("edited_by", ["none"], "no EXIF program name tells of an editor", "warning"),
        among("parts_known", [True], "fakes are named by the convention difficulty_number_parts", "warning"),
    ]


def _split_expectations(ge: Any, rules: Rules) -> list[Any]:
    return [
        ge.ExpectColumnValuesToBeInSet(
            column="split",
            value_set=["train", "validation", "test"],
            severity="critical",
            meta={"meaning": "splits are train, validation and test"},
        ),
        ge.ExpectColumnValuesToBeBetween(
            column="rarer_class_share",
            min_value=rules.min_class_share,
            max_value=0.5,
            severity="critical",
            meta={"meaning": f"either class is at least {rules.min_class_share:.0%} of each split"},
        ),
    ]


def _shortcut_expectations(ge: Any) -> list[Any]:
    return [
        ge.ExpectColumnValuesToBeInSet(
            column="beats_chance",
            value_set=[False],
            severity="warning",
            meta={"meaning": "no rule that sees only the file or the framing tells fakes from reals"},
        )
    ]


def _rounded(value: Any) -> Any:
    """A record with its figures rounded, so that two processors write the same bytes."""
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return round(value, _DIGITS) if isinstance(value, float) else value


def _summary(result: Any, index: str) -> dict[str, Any]:
    config, found = result.expectation_config, result.result
    rows = found.get("unexpected_index_list") or []
    names = sorted(row[index] for row in rows)
    return {
        "meaning": config.meta["meaning"],
        "expectation": config.type,
        "column": config.kwargs["column"],
        "severity": str(getattr(config.severity, "value", config.severity)),
        "success": bool(result.success),
        "unexpected": int(found.get("unexpected_count", 0)),
        "examples": names[:NAMED],
    }


def _docs_site(context: Any, docs: Path) -> list[str]:
    name = "local"
    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)}
    context.add_data_docs_site(
        site_name=name,
        site_config={
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": backend,
        },
    )
    return [name]
