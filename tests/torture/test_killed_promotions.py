"""Eight processes promote in one store at once, and some are killed: one champion, a whole history, whole versions."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.torture.conftest import scaled
from tests.tracking.factories import models

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]

PROMOTIONS, KILLED, ROUNDS = 8, 5, 10

# Forks the processes: their imports take seconds, and a killed process is as dead as any other.
_DRIVER = """
import json, os, random, shutil, signal, sys, time, warnings
from pathlib import Path

warnings.simplefilter("ignore")
import mlflow
from mlflow import MlflowClient
from fakefaces.base.paths import Layout
from fakefaces.params.file import load
from fakefaces.registry.candidates import PromotionCandidate, Unregistered
from fakefaces.registry.evidence import find_evidence
from fakefaces.registry.promotion import Promotion, promote
from fakefaces.registry.store import Registry
from fakefaces.tracking.detectors import pyfunc
from fakefaces.tracking.digests import digest
from tests.tracking.factories import scores_in_store

import mlflow.store.model_registry.sqlalchemy_store, mlflow.store.tracking.sqlalchemy_store
pyfunc()
layout = Layout(Path.cwd())
params = load(layout.root / "params.yaml")
names, killed, rounds = sys.argv[1].split(","), int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(17)


def promotion(name):
    source = Unregistered(f"outputs/models/{name}", layout.root / f"outputs/models/{name}")
    candidate = PromotionCandidate(find_evidence(digest(source.folder)), source)
    promote(Promotion(Registry("fake-faces"), candidate, params.promote, scores_in_store, n_resamples=100, seed=0))


def forked(work, *arguments):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work(*arguments)
            code = 0
        finally:
            os._exit(code)
    return child


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def left():
    registry = Registry("fake-faces")
    experiment = mlflow.get_experiment_by_name("fakefaces").experiment_id
    versions = registry.versions()
    state = {
        "champion": [version.number for version in versions if "champion" in version.aliases],
        "tags": [version.tags for version in versions],
        "history": [[event.action, event.version, event.before] for event in registry.history()],
        "models": [str(model.status) for model in MlflowClient().search_logged_models([experiment])],
    }
    Path("state.json").write_text(json.dumps(state))


states, died, seconds = [], 0, 10.0
for k in range(rounds):
    copy = f"mlruns/copy{k}.db"
    shutil.copy("mlruns/mlflow.db", copy)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{layout.root / copy}"
    start = time.monotonic()
    children = [forked(promotion, name) for name in names]
    victims = children[:killed]
    rng.shuffle(victims)
    for victim, moment in zip(victims, sorted(rng.uniform(0.05, seconds) for _ in victims)):
        time.sleep(max(0, start + moment - time.monotonic()))
        os.kill(victim, signal.SIGKILL)  # or it is done, and waits to be asked
    codes = [ended(child) for child in children]
    assert set(codes) <= {0, -signal.SIGKILL}, codes
    died += codes.count(-signal.SIGKILL)
    again = time.monotonic()
    codes = [ended(child) for child in [forked(promotion, name) for name in names]]
    assert set(codes) == {0}, codes
    seconds = time.monotonic() - again  # kills of the next round fall into the time that promotions take here
    assert ended(forked(left)) == 0
    states.append(json.loads(Path("state.json").read_text()))
Path("states.json").write_text(json.dumps({"died": died, "states": states}))
"""


@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
def test_promotions_at_once_of_which_some_are_killed_end_in_one_champion(tracked):
    names = [f"m{k}" for k in range(PROMOTIONS)]
    models(tracked, *((name, 0.3 + 0.4 * k) for k, name in enumerate(names)))
    arguments = [",".join(names), str(KILLED), str(scaled(ROUNDS))]
    env = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.run(
        [sys.executable, "-c", _DRIVER, *arguments], cwd=tracked, env=env, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr[-3000:]
    left = json.loads((tracked / "states.json").read_text())
    assert left["died"] >= scaled(ROUNDS)
    for state in left["states"]:
        (champion,) = state["champion"]
        assert sorted(tags["model"] for tags in state["tags"]) == names  # each is registered, and once
        assert {"digest", "served.digest", "decision", "decision.outcome"} <= set.intersection(*map(set, state["tags"]))
        assert set(state["models"]) == {"READY"}
        before = None
        for action, version, said in state["history"]:
            assert action in ("champion", "refused") and said == before
            before = version if action == "champion" else before
        assert before == champion
