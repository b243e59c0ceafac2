"""Data sets in which the format is the class: photographs saved by one encoder, generated faces by another."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fakefaces.data.faces import PARTS
from fakefaces.features.harmonisation import harmonised
from fakefaces.params.extractor import Harmonise
from fakefaces.params.promote import Promote
from fakefaces.registry.candidates import PromotionCandidate
from fakefaces.registry.evidence import Evidence
from fakefaces.registry.promotion import Promotion
from fakefaces.registry.store import Version
from fakefaces.validation.facts import image_facts
from fakefaces.validation.shortcuts import fit_predict, rule_features
from syntheticfaces.generation import generate_image
from syntheticfaces.plan import Entry, draw_plan
from tests.metrics import model_metrics

RULE = Promote(name="n", metric="roc_auc", margin=0.05, slice_margin=0.1)
REALS, FAKES = 60, 40
N = REALS + FAKES


@pytest.fixture(scope="module")
def faces() -> list[np.ndarray]:
    """Drawn faces, none of them forged: whatever separates them afterwards is no forgery."""
    entries: list[Entry] = [entry for entry in draw_plan(4 * N, 3) if entry.difficulty is None][:N]
    return [generate_image(entry, 64, 3).image for entry in entries]


def jpeg(pixels: np.ndarray, quality: int, subsampling: int = 2) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def cropped(pixels: np.ndarray) -> np.ndarray:
    return pixels[4:-4, 4:-4]


def detectors_scores(pixels: list[np.ndarray], labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """``p_fake`` of every image by a classifier of residuals that was not trained on it: a detector of encoders."""
    residuals = [np.diff(np.diff(face.astype(float), axis=0), axis=1) for face in pixels]
    features = np.array([[np.log(1 + r[a::8, b::8].var()) for a in range(8) for b in range(8)] for r in residuals])
    fold = np.arange(len(labels)) // 2 % 2 == 0
    first, second = (fit_predict(features, labels, train, seed=seed) for train in (fold, ~fold))
    return np.where(fold, second, first)


def evidence(folder, files: list[bytes], labels: np.ndarray, p_fake: np.ndarray) -> Evidence:
    """What evaluating a candidate on these files leaves, with the scores of all shortcut rules."""
    names = [f"{k:03d}.img" for k in range(len(files))]
    for name, data in zip(names, files, strict=True):
        (folder / name).write_bytes(data)
    facts, appearance = image_facts(folder, names, threads=1)
    table = facts.assign(label=labels, group=range(len(files)), difficulty="", encoding=facts["quantization"])
    table = table.assign(**dict.fromkeys(PARTS, 0), p_fake=p_fake)
    fold = np.arange(len(labels)) // 2 % 2 == 0
    for name, features in rule_features(facts, appearance).items():
        first, second = (fit_predict(features, labels, train, seed=0) for train in (fold, ~fold))
        table[f"rule_{name}"] = np.where(fold, second, first)
    return Evidence("m", "new", "t", model_metrics(), table)


def decided(found: Evidence):
    candidate = PromotionCandidate(found, Version(9, "models:/n/9", {"digest": "new"}, "run"))
    return Promotion(None, candidate, RULE, None, n_resamples=200, seed=0).decide(None, None)


LABELS = np.r_[np.zeros(REALS, int), np.ones(FAKES, int)]
ORDER = np.random.default_rng(1).permutation(N)


@pytest.mark.parametrize(
    "save",
    [
        pytest.param(lambda face, fake: jpeg(face, 90 if not fake else 75), id="another quality"),
        pytest.param(lambda face, fake: jpeg(face, 90, 2 if not fake else 0), id="another subsampling"),
        pytest.param(lambda face, fake: png(face) if fake else jpeg(face, 90), id="another format"),
        pytest.param(lambda face, fake: png(cropped(face) if fake else face), id="another size, without an encoding"),
        pytest.param(lambda face, fake: jpeg(cropped(face) if fake else face, 90), id="another size"),
    ],
)
def test_a_detector_of_formats_does_not_become_champion(faces, tmp_path, save):
    files = [save(faces[k], bool(LABELS[k])) for k in ORDER]
    labels = LABELS[ORDER]
    perfect = 0.05 + 0.9 * labels  # as forensic had 1.000 on such a set
    found = evidence(tmp_path, files, labels, perfect)
    decision = decided(found)
    assert decision.outcome == "challenger"
    assert "harmonise" in decision.reason


def test_harmonised_the_encoder_is_no_class_and_all_images_are_matched(faces, tmp_path):
    """A detector of encoders loses what it sees, and all images are compared with the rules that see pixels."""
    labels, settings = LABELS[ORDER], Harmonise(sides=(48, 56), quality=(70, 80, 90))
    files = [jpeg(faces[k], 40 if LABELS[k] else 95) for k in ORDER]
    decoded = [np.asarray(Image.open(io.BytesIO(data))) for data in files]
    before = evidence(tmp_path, files, labels, detectors_scores(decoded, labels))
    assert decided(before).outcome == "challenger" and "shortcut rules" in decided(before).reason
    scores = detectors_scores([harmonised(pixels, settings) for pixels in decoded], labels)
    after = replace(
        before,
        predictions=before.predictions.assign(p_fake=scores),
        metrics=before.metrics.model_copy(update={"harmonised": True}),
    )

    def roc_auc(found: Evidence) -> float:
        table = found.predictions
        ranks = pd.Series(table["p_fake"]).rank()
        fakes = int(labels.sum())
        return float((ranks[labels == 1].sum() - fakes * (fakes + 1) / 2) / (fakes * (N - fakes)))

    assert roc_auc(before) > 0.85 and roc_auc(before) - roc_auc(after) > 0.1, (roc_auc(before), roc_auc(after))
    # One that sees more than the rules do may become champion: the file's rules, which are perfect, say nothing then.
    sees = replace(after, predictions=after.predictions.assign(p_fake=0.05 + 0.9 * labels))
    decision = decided(sees)
    assert decision.outcome == "champion", decision.reason
    assert "header" not in decision.reason
    not_harmonised = replace(sees, metrics=before.metrics)
    assert decided(not_harmonised).outcome == "challenger"
