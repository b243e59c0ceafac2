"""Runs and registered versions as the stages leave them, written without the stages."""

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fakefaces.base.files import write_json
from fakefaces.data.faces import PARTS
from fakefaces.evaluation.decision_metrics import AbstentionBand, OperatingPoint
from fakefaces.inference.metadata import DetectorMetadata
from fakefaces.params.promote import Promote
from fakefaces.registry.candidates import PromotionCandidate, Unregistered
from fakefaces.registry.evidence import Evidence, find_evidence, read_evidence
from fakefaces.registry.promotion import ChampionScores, Decision, Promotion, promote
from fakefaces.registry.store import Registry, Version
from fakefaces.tracking.digests import digest
from fakefaces.tracking.evaluations import TRAINING_IMAGES
from fakefaces.tracking.runs import stage_run
from tests.detectors import save_network
from tests.metrics import model_metrics

RULE = Promote(name="fake-faces", metric="roc_auc", margin=0.05, slice_margin=0.2, beat_shortcuts=False)


def operating_point(threshold: float, low: float | None = None, high: float | None = None) -> OperatingPoint:
    """An operating point with its abstention band, as validation gives it."""
    return OperatingPoint(threshold=threshold, max_fpr=0.1, abstention_band=AbstentionBand(low=low, high=high))


POINT = operating_point(0.625, low=0.25)


def trained(root: Path, name: str, network: Any = None, *, detector: Path | None = None) -> Path:
    """A model's folder and the run that made it, as training leaves them.

    It is that of a network, or a copy of a detector's; with neither it cannot be loaded.
    """
    folder = root / "outputs" / "models" / name
    metadata = DetectorMetadata(
        model=name, kind="custom_cnn", image_size=32, weights="random", threshold=0.5, parameters=9
    )
    if detector:
        shutil.copytree(detector, folder)
    elif network is None:
        folder.mkdir(parents=True)
        (folder / "network.keras").write_bytes(f"the network of {name}".encode())
        (folder / "network.onnx").write_bytes(f"the graph of {name}".encode())
        write_json(folder / "detector.json", metadata.model_dump())
    else:
        save_network(network, folder, **vars(metadata))
    with stage_run(name, role="train") as run:
        run.params({"model": name})
        run.log_outputs(f"outputs/models/{name}")
    return folder


def evaluated(
    root: Path,
    name: str,
    strength: float,
    point: OperatingPoint = POINT,
    n: int = 200,
    training_images: Collection[str] = (),
) -> Evidence:
    """The model's evaluation and the run that made it, as evaluation leaves them."""
    label = np.arange(n) % 2
    noise = np.random.default_rng(len(name)).normal(0, 1, n)
    table = pd.DataFrame(
        {"sha256": [f"{k:064x}" for k in range(n)], "label": label, "group": [f"g{k}" for k in range(n)]}
    )
    table["difficulty"] = np.where(label == 1, "mid", "")
    for part in PARTS:
        table[part] = label
    table[name] = 1 / (1 + np.exp(-(noise + strength * (label - 0.5))))
    table["encoding"] = "one"
    table["rule_header"] = 1 / (1 + np.exp(-np.random.default_rng(99).normal(0, 1, n)))  # it sees nothing
    metrics = model_metrics(model_digest=digest(root / "outputs" / "models" / name), operating_point=point)
    (root / "reports").mkdir(exist_ok=True)
    table.to_csv(root / "outputs" / "predictions.csv", index=False)
    metrics.write(root / "reports" / f"{name}.json")
    with stage_run(name, role="evaluate") as run:
        run.params({"model": name})
        run.tag("model.digest", metrics.model_digest)
        run.tag("test.digest", metrics.test_digest)
        run.text("\n".join(training_images) + "\n", TRAINING_IMAGES)
        run.artifact(root / "outputs" / "predictions.csv")
        run.artifact(root / "reports" / f"{name}.json")
    return read_evidence(name, metrics, root / "outputs" / "predictions.csv")


def scores_in_store(champion: Version, candidate: Evidence) -> ChampionScores:
    """The champion's scores from its evaluation's run."""
    own = find_evidence(champion.tags["digest"], candidate.test_digest)
    return ChampionScores(0.5, dict(zip(own.predictions["sha256"], own.predictions["p_fake"], strict=True)))


def promoted(
    root: Path, evidence: Evidence, force: str | None = None, rule: Promote = RULE
) -> tuple[Version, Decision]:
    """What the promote stage does."""
    path = f"outputs/models/{evidence.model}"
    candidate = PromotionCandidate(evidence, Unregistered(path, root / path))
    return promote(Promotion(Registry(RULE.name), candidate, rule, scores_in_store, n_resamples=200, seed=0), force)


def models(root: Path, *strengths: tuple[str, float]) -> list[Evidence]:
    """Several models by how well their scores tell the classes apart."""
    for name, _ in strengths:
        trained(root, name)
    return [evaluated(root, name, strength) for name, strength in strengths]
