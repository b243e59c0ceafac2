"""The promote stage: which model, with which record, scores and folder, it promotes."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from fakefaces.base.files import write_text
from fakefaces.base.paths import Layout
from fakefaces.data.faces import PARTS
from fakefaces.params.file import load
from fakefaces.registry.candidates import Unregistered, best_of_pipeline
from fakefaces.registry.promotion import Decision
from fakefaces.registry.rescore import score_champion
from fakefaces.registry.store import Version
from pipelines import promote as stage
from tests.metrics import model_metrics, with_metrics

MODELS = ("one", "two", "three")


@pytest.fixture
def evaluated(workspace, monkeypatch):
    """Three evaluated models, of which the second is best on validation by accuracy; nothing is registered.

    Gives the parameters, the layout, and the promotions that the stage asks for, each before what it publishes.
    """
    layout, params = Layout(workspace), load(workspace / "params.yaml")
    rows = dict.fromkeys(MODELS, next(iter(params.train.models.values())))
    rule = params.promote.model_copy(update={"metric": "accuracy"})
    params = params.model_copy(
        update={"train": params.train.model_copy(update={"models": rows}), "promote": rule, "seed": 9}
    )
    table = pd.DataFrame({"sha256": ["a", "b"], "label": [0, 1], "group": ["p", "q"], "difficulty": ["", "mid"]})
    table = table.assign(**dict.fromkeys(PARTS, 0))
    for k, name in enumerate(MODELS):
        table[name] = [0.1, 0.2, 0.3][k]
        metrics = model_metrics(model_digest=f"d {name}", test_digest="t", parameters=9)
        validation = {"accuracy": [0.5, 0.7, 0.6][k], "roc_auc": [0.7, 0.5, 0.6][k]}
        test = {"accuracy": [0.8, 0.4, 0.6][k], "roc_auc": 0.5}
        with_metrics(metrics, validation, test).write(layout.metrics(name))
    write_text(layout.predictions, table.to_csv(index=False))
    promotions = []

    def record(promotion):
        promotions.append(promotion)
        version = Version(3, "models:/fake-faces/3", {"digest": "d two"}, "run")
        return version, Decision("challenger", "r", "two", "d two", "t", 2, 0.05, 0.1)

    monkeypatch.setattr(stage, "promote", record)
    monkeypatch.setattr(stage, "publish", lambda digests: promotions.append(digests))
    monkeypatch.setattr(stage, "connect", lambda: SimpleNamespace(experiment_id="7"))
    monkeypatch.setattr(stage, "Registry", lambda name: name)
    upgraded: list[str] = []
    monkeypatch.setattr(stage, "upgrade_champion", lambda registry, layout: upgraded.append(registry))
    return params, layout, promotions


def test_the_stage_promotes_the_best_on_validation_with_its_own_record_scores_and_folder(evaluated, capsys):
    params, layout, promotions = evaluated
    stage.main(params, layout)
    page = "http://127.0.0.1:5000/#/experiments/7/runs?workflowType=machine_learning"
    assert capsys.readouterr().err.splitlines()[-1] == f"compare the models at {page} (make ui serves and opens it)"
    assert json.loads(layout.candidate.read_text()) == {
        "model": "two", "digest": "d two", "test_digest": "t", "validation": 0.7, "test": 0.4,
    }  # fmt: skip
    promotion, published = promotions
    assert published == {"d two"}
    assert (promotion.registry, promotion.rule) == ("fake-faces", params.promote)
    assert promotion.score_champion is score_champion
    assert (promotion.n_resamples, promotion.seed) == (params.evaluate.n_resamples, 9)
    evidence = promotion.candidate.evidence
    assert (evidence.model, evidence.digest, evidence.test_digest) == ("two", "d two", "t")
    assert evidence.metrics.validation.accuracy == 0.7
    assert set(evidence.predictions["p_fake"]) == {0.2}
    assert promotion.candidate.source == Unregistered("outputs/models/two", layout.model("two"))
    record = json.loads(layout.promotion.read_text())
    assert (record["version"], record["against"], record["outcome"]) == (3, 2, "challenger")
    by_command = best_of_pipeline(layout, params.train.models, params.promote.metric)  # as `fakefaces promote`
    assert (by_command.evidence.model, by_command.evidence.metrics) == (evidence.model, evidence.metrics)
    assert by_command.source == promotion.candidate.source
    assert list(by_command.evidence.predictions["p_fake"]) == list(evidence.predictions["p_fake"])


def test_the_stage_selects_a_model_and_promotes_nothing_with_folds_or_in_an_experiment(evaluated, monkeypatch):
    params, layout, promotions = evaluated
    folds = params.split.model_copy(update={"protocol": "folds"})
    stage.main(params.model_copy(update={"split": folds}), layout)
    assert json.loads(layout.candidate.read_text())["model"] == "two"
    layout.candidate.unlink()
    monkeypatch.setenv("DVC_EXP_NAME", "tried")
    stage.main(params, layout)
    assert json.loads(layout.candidate.read_text())["model"] == "two"
    assert promotions == []
    assert not layout.promotion.exists()
