"""kill -9 before any write of a promotion; doing it again ends as if nothing had happened."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tracking.factories import models, promoted

# Forks one process a kill: the imports take seconds, and a killed process is as dead as any other.
_DRIVER = '''
import json, os, shutil, signal, sys, warnings
from pathlib import Path

warnings.simplefilter("ignore")
import mlflow
from mlflow import MlflowClient
from fakefaces.base.paths import Layout
from fakefaces.params.file import load
from fakefaces.registry.candidates import PromotionCandidate, Unregistered
from fakefaces.registry.evidence import find_evidence
from fakefaces.registry.promotion import Promotion
from fakefaces.registry.promotion import promote as run_promotion
from fakefaces.registry.rescore import score_champion
from fakefaces.registry.store import Registry
from fakefaces.tracking.detectors import pyfunc
from fakefaces.tracking.digests import digest

import mlflow.store.model_registry.sqlalchemy_store, mlflow.store.tracking.sqlalchemy_store
pyfunc()
layout = Layout(Path.cwd())
params = load(layout.root / "params.yaml")
WRITES = ("create_logged_model", "log_model_artifacts", "finalize_logged_model", "create_registered_model",
          "_create_model_version", "set_logged_model_tags", "set_registered_model_alias", "update_model_version",
          "set_model_version_tag")


def promote(name):
    registry = Registry("fake-faces")
    source = Unregistered(f"outputs/models/{name}", layout.root / f"outputs/models/{name}")
    candidate = PromotionCandidate(find_evidence(digest(source.folder)), source)
    return run_promotion(Promotion(registry, candidate, params.promote, score_champion, n_resamples=200, seed=0))


def dying(at):
    """Die by SIGKILL before the write number `at`."""
    count = 0

    def guard(method):
        def call(*arguments, **more):
            nonlocal count
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*arguments, **more)
        return call

    for name in WRITES:
        setattr(MlflowClient, name, guard(getattr(MlflowClient, name)))
    promote(sys.argv[1])


def state(path):
    """What the promotion left, without times and ids."""
    version, decision = promote(sys.argv[1])
    registry = Registry("fake-faces")
    versions = [[v.number, v.aliases, sorted(tag for tag in v.tags.items() if not tag[0].startswith("history."))]
                for v in registry.versions()]
    history = [[event.action, event.version, event.before, event.reason] for event in registry.history()]
    experiment = mlflow.get_experiment_by_name("fakefaces").experiment_id
    models = sorted(str(model.status) for model in MlflowClient().search_logged_models([experiment]))
    promotion = decision.record(version.number)
    left = {"versions": versions, "history": history, "models": models, "promotion": promotion}
    Path(path).write_text(json.dumps(left))


def forked(work, *arguments):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work(*arguments)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


at, states = 0, []
while True:
    copy = f"mlruns/copy{at}.db"
    shutil.copy("mlruns/mlflow.db", copy)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{layout.root / copy}"
    code = forked(dying, at) if at else 0
    assert code in (0, -signal.SIGKILL), code
    assert forked(state, f"state{at}.json") == 0, at
    if at and code == 0:
        break
    at += 1
print(at)
'''


@pytest.mark.slow
@pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)
@pytest.mark.parametrize("standing", [[], [("old", 0.2)]], ids=["first", "successor"])
def test_a_promotion_killed_before_any_write_ends_like_an_undisturbed_one(tracked: Path, standing):
    evidences = models(tracked, *standing, ("newest", 3))
    for evidence in evidences[: len(standing)]:
        promoted(tracked, evidence)
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.run(
        [sys.executable, "-c", _DRIVER, "newest"], cwd=tracked, env=env, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    kills = int(process.stdout.split()[-1])
    assert kills > 10
    undisturbed, *others = (json.loads((tracked / f"state{k}.json").read_text()) for k in range(kills + 1))
    assert undisturbed["promotion"]["outcome"] == "champion"
    assert [event[0] for event in undisturbed["history"]] == ["champion"] * (len(standing) + 1)
    for k, other in enumerate(others, start=1):
        assert other == undisturbed, k
