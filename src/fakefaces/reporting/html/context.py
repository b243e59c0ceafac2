"""From the outputs of a run to the context of the page's template."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import pandas as pd
import yaml

from fakefaces.base.errors import DataError
from fakefaces.data.faces import FAKE, PARTS
from fakefaces.evaluation.base_rate import RARE, ErrorRates, precision_at
from fakefaces.evaluation.estimates import Confusion, Estimate
from fakefaces.evaluation.localization_metrics import LocalizationMetrics
from fakefaces.evaluation.metrics import confusion
from fakefaces.evaluation.predictions import TestPredictions
from fakefaces.reporting.html import charts, pictures
from fakefaces.reporting.html.charts import BASELINES
from fakefaces.reporting.html.groups import group_sentences, group_table
from fakefaces.reporting.html.promotion import basis_table, promotion_basis
from fakefaces.reporting.html.run_outputs import RunOutputs
from fakefaces.reporting.html.script_data import script_data
from fakefaces.reporting.html.terms import term_id, term_of, terms
from fakefaces.reporting.html.tippett import tippett
from fakefaces.reporting.tables import columns
from fakefaces.reporting.tables.results import REFERENCE_MAJORITY, REFERENCE_TEST_IMAGES, rule_name

_PAIR_SIDE = 144
_SAMPLES_PER_KIND = 4  # sample images of each difficulty


@dataclass(frozen=True)
class Decisions:
    """The decisions of one model on the test images."""

    threshold: float
    confusion: Confusion
    rates: ErrorRates
    precision: Estimate  # where fakes are :data:`RARE`

    @classmethod
    def of(cls, test: TestPredictions, threshold: float) -> "Decisions":
        """The decisions where an image is called fake from ``threshold`` on."""
        rates = ErrorRates.at(test, threshold)
        return cls(threshold, confusion(test, threshold), rates, precision_at(rates, RARE))


Step = Callable[[str], None]


def page_context(run: RunOutputs, step: Step) -> dict[str, Any]:
    """Everything that the page's template needs; ``step`` is called with the name of each step as it begins."""
    step("charts")
    context: dict[str, Any] = {"run": run, "facts": facts(run), "tables": tables(run), "charts": all_charts(run)}
    context |= {"decisions": decisions(run), "terms": terms(), "term_id": term_id, "term_of": term_of}
    context |= {"groups": group_sentences(run), "basis": promotion_basis(run)}
    context["tables"]["basis"] = basis_table(context["basis"])
    step("pictures")
    context |= {"pictures": stage_pictures(run), "samples": samples(run), "pairs": pairs(run)}
    step("galleries")
    return context | {"data": script_data(run, context["charts"])}


def facts(run: RunOutputs) -> dict[str, Any]:
    """The data, the split and the parameters of the run."""
    images, splits = run.images, run.images["split"].value_counts()
    fakes = images[images["label"] == FAKE]
    sizes = images.groupby(["width", "height"]).size().sort_values(ascending=False)
    params = run.params.model_dump(by_alias=True)
    first = run.results.iloc[0]
    return {
        "images": len(images),
        "reals": len(images) - len(fakes),
        "fakes": len(fakes),
        "groups": images["group"].nunique(),
        "difficulties": _difficulties(fakes["difficulty"]),
        "splits": {name: int(splits.get(name, 0)) for name in ("train", "validation", "test")},
        "n_splits": run.metrics[run.models[0]].n_splits,
        "protocol": run.params.split.protocol,
        "size": " × ".join(map(str, sizes.index[0])) + ("" if len(sizes) == 1 else " and others"),
        "digest": run.data_digest,
        "drawn": run.layout.drawn,
        "faces": "drawn faces" if run.layout.drawn else "photographs",
        "base_rate": base_rate(run),
        "parts": [part.replace("_", " ") for part in PARTS if (run.images[part] == 1).any()],
        "test_n": int(first["n"]),
        "test_groups": int(first["groups"]),
        "harmonised": [name for name in run.models if run.metrics[name].harmonised],
        "majority_rate": float(first["majority_rate"]),
        "params": yaml.safe_dump(params, sort_keys=False, allow_unicode=True, width=100),
        "max_fpr": run.params.evaluate.max_fpr,
        "reference_n": REFERENCE_TEST_IMAGES,
        "reference_majority": REFERENCE_MAJORITY,
        "duplicate_pairs": len(run.duplicate_pairs),
        "trials": len(run.trials),
        "pruned": sum(trial.pruned for trial in run.trials),
    }


def _difficulties(difficulty: pd.Series) -> dict[str, int]:
    """The number of fakes of each difficulty; empty where no name tells it, as of faces that are generated whole."""
    counts = {str(name): int(n) for name, n in difficulty.replace("", "unnamed").value_counts(sort=False).items()}
    return {} if set(counts) <= {"unnamed"} else counts


def tables(run: RunOutputs) -> dict[str, columns.Columns]:
    """The tables of the results, and of the shortcut audit."""
    audit = run.validation.get("shortcuts", [])
    results = columns.result_tables(run.results, run.metrics, run.comparisons)
    results["overall"] = _overall(results["overall"], run)
    return results | {
        "localization": _localization(run.localization),
        "groups": group_table(run.metrics),
        "audit": {
            key.replace("_", " ").replace("roc auc", "ROC AUC"): [_cell(row.get(key)) for row in audit]
            for key in (audit[0] if audit else {})
        },
    }


def base_rate(run: RunOutputs) -> float:
    """The share of fakes among the test images."""
    overall = run.metrics[run.models[0]].test.overall
    return overall.fakes / max(1, overall.n)


def decisions(run: RunOutputs) -> dict[str, Decisions]:
    """What each model decides of the test images where it decides."""
    return {name: Decisions.of(TestPredictions.from_table(run.scored(name).test), threshold)
            for name, threshold in run.thresholds.items()}  # fmt: skip


def all_charts(run: RunOutputs) -> dict[str, Any]:
    """The Vega-Lite specifications by the id of their place in the page."""
    specs: dict[str, Any] = {
        "roc": charts.roc(run.curves("roc")),
        "precision_recall": charts.precision_recall(run.curves("precision_recall"), base_rate(run)),
        "reliability": charts.reliability(run.metrics),
        "tippett": tippett(run.metrics[run.best].likelihood_ratio, run.scored(run.best).test),
        "robustness": charts.robustness(run.metrics),
        "compared": charts.score_scatter(),
    }
    specs |= {kind: charts.slices(run.metrics, kind) for kind in ("difficulty", "part", "part_count")}
    by_group = run.metrics[run.best].test.by_group
    specs["groups"] = {name: charts.groups(name, groups) for name, groups in by_group.items()}
    if run.localization:
        specs |= {metric: charts.localization(run.localization, metric) for metric in ("pointing", "energy")}
    epochs = {name: run.history(name) for name in run.models}
    history = {name: charts.history(table) for name, table in epochs.items() if has_curve(table)}
    return {name: spec for name, spec in specs.items() if spec} | {"history": history}


def stage_pictures(run: RunOutputs) -> dict[str, Any]:
    """The pictures that stages drew: augmentations, and by model feature maps and filters."""
    augmentations = run.layout.reports / "augmentations.png"
    uris: dict[str, Any] = {"augmentations": pictures.file_uri(augmentations, 1000) if augmentations.is_file() else ""}
    for kind in ("feature_maps", "filters"):
        paths = {name: run.layout.heatmaps / f"{name}_{kind}.png" for name in run.models}
        uris[kind] = {name: pictures.file_uri(path, 700) for name, path in paths.items() if path.is_file()}
    return uris


def samples(run: RunOutputs) -> dict[str, list[dict[str, str]]]:
    """A few training images of each kind: real, easy, mid, hard, or fakes that are not named by difficulty."""
    table = run.images[run.images["split"] == "train"]
    kinds = table["difficulty"].replace("", "fake").where(table["label"] == FAKE, "real")
    samples_by_kind = {}
    for kind in ("real", "easy", "mid", "hard", "fake"):
        names = list(table.loc[kinds == kind, "image"].head(_SAMPLES_PER_KIND))
        photographs = pictures.photographs(run.layout.data, names, _PAIR_SIDE, threads=run.params.threads)
        uris = [pictures.data_uri(photograph) for photograph in photographs]
        samples_by_kind[kind] = [{"name": name, "uri": uri} for name, uri in zip(names, uris, strict=True)]
    return {kind: images for kind, images in samples_by_kind.items() if images}


def pairs(run: RunOutputs) -> list[dict[str, Any]]:
    """The pairs with the most inliers, each with its difference image."""
    label = run.images.set_index("image")["label"]
    table = run.duplicate_pairs.sort_values(["inliers", "a", "b"], ascending=[False, True, True])
    table = table[table["a"].isin(label.index) & table["b"].isin(label.index)].head(run.params.report.pairs)
    settings = {"min_inliers": run.params.duplicates.min_inliers, "seed": run.params.seed}
    aligned = []
    for a, b, inliers in table[["a", "b", "inliers"]].itertuples(index=False):
        try:
            images = pictures.align(run.layout.data, a, b, side=_PAIR_SIDE, **settings)
        except DataError:
            continue
        names = [(name, "fake" if label[name] == FAKE else "real") for name in (a, b)]
        aligned.append({"names": names, "inliers": int(inliers), "uris": list(map(pictures.data_uri, images))})
    return aligned


def _overall(table: columns.Columns, run: RunOutputs) -> columns.Columns:
    """The table of results, with what a phone shows first, and the threshold of each row."""
    later = {"TP FP FN TN", "weights"}  # the page has confusion matrices
    shown = {title: cells for title, cells in table.items() if title not in later}
    evaluated = {**run.metrics, **{rule_name(rule): rule_metrics for rule, rule_metrics in run.rules.items()}}
    thresholds = [f"{evaluated[name].threshold:.3f}" for name in table["model"]]
    return shown | {"threshold": thresholds, "weights": table["weights"]}


def _localization(metrics: Mapping[str, LocalizationMetrics]) -> columns.Columns:
    rows = []
    for name, model in metrics.items():
        origins = ", ".join(f"{origin} {count}" for origin, count in model.truth.items())
        row = {"model": name}
        for title, of in (("pointing game", attrgetter("pointing")), ("heat inside", attrgetter("energy"))):
            row[title] = format(of(model.model))
            for baseline, label in BASELINES.items():
                if baseline not in model.baselines:
                    continue
                row[f"{title}: minus {label}"] = format(of(model.baselines[baseline].gain), "+")
        row |= {"fakes": str(model.n), "replaced": f"{model.area:.1%} of the image", "known from": origins}
        row["empty maps"] = f"{model.empty:.0%}"
        rows.append(row)
    return {title: [row[title] for row in rows] for title in rows[0]} if rows else {}


def has_curve(epochs: pd.DataFrame) -> bool:
    """Whether a model was trained for more than one epoch; one that is fitted in closed form was not."""
    return bool(len(epochs) and epochs["epoch"].nunique() > 1)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list):
        return "[" + ", ".join(_cell(item) for item in value) + "]"
    return "–" if value is None else str(value)
