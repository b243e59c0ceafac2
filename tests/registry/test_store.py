"""The registry with real stores and, where it matters, real processes."""

import json
import os
import subprocess
import sys

import pytest

from fakefaces.base.errors import TrackingError
from fakefaces.base.files import write_json
from fakefaces.cli.registry import registry as list_registry
from fakefaces.evaluation.decision_metrics import OperatingPoint
from fakefaces.inference.metadata import DetectorMetadata, Operating, read_metadata
from fakefaces.registry.store import ChampionChangedError, Registry
from fakefaces.tracking.detectors import fetch_detector, with_operating_point
from fakefaces.tracking.digests import digest
from fakefaces.tracking.store import connect
from tests.conftest import ROOT
from tests.tracking.factories import RULE, evaluated, models, operating_point, promoted, trained


def test_the_first_is_champion_a_better_one_follows_and_a_worse_one_does_not(tracked):
    weak, strong, worse = models(tracked, ("weak", 0.5), ("stronger", 3), ("worse", 0.1))
    registry = Registry(RULE.name)
    assert promoted(tracked, weak)[1].reason == "there was no champion"
    version, decision = promoted(tracked, strong)
    assert (version.number, decision.outcome, decision.against) == (2, "champion", 1)
    version, decision = promoted(tracked, worse)
    assert (version.number, decision.outcome, decision.against) == (3, "challenger", 2)
    assert [registry.champion().number, registry.with_alias("challenger").number] == [2, 3]
    third, second, first = registry.versions()
    assert [version.aliases for version in (third, second, first)] == [["challenger"], ["champion"], []]
    assert second.tags["model"] == "stronger"
    assert float(second.tags["decision.difference"]) > 0.1
    assert json.loads(third.tags["decision"])["comparison"]["difference"] < -0.1
    assert [(event.action, event.version, event.before) for event in registry.history()] == [
        ("champion", 1, None),
        ("champion", 2, 1),
        ("refused", 3, 2),
    ]
    page = registry._client.get_model_version(RULE.name, "3").description
    assert "the champion stays" in page
    assert "| nose | 100 |" in page
    # Again, as after a kill or by `dvc repro --force`: nothing is added, and the decision stays.
    assert promoted(tracked, worse)[1] == decision
    assert promoted(tracked, strong)[1].against == 1
    assert len(registry.history()) == 3
    # A person may overrule the gate, and says why.
    forced = promoted(tracked, worse, force="the better one leaks")[1]
    assert forced.reason.startswith("the better one leaks; the gate: ")
    assert registry.champion().number == 3


def test_the_version_holds_the_operating_point_and_no_pickle(tracked):
    (only,) = models(tracked, ("only", 1))
    version, _ = promoted(tracked, only)
    folder = fetch_detector(version.uri)
    assert read_metadata(folder).operating == Operating(threshold=0.625, low=0.25, high=None)
    assert read_metadata(folder).positive == "fake"
    assert (folder / "network.keras").read_bytes() == b"the network of only"
    assert read_metadata(tracked / "outputs" / "models" / "only").operating is None  # the DVC output is untouched
    names = {path.suffix for path in folder.parents[1].rglob("*") if path.is_file()}
    assert not names & {".pkl", ".pickle", ".joblib"}
    run = registry_run(version.run_id)
    assert (run.info.run_name, run.info.status) == ("only", "FINISHED")
    assert run.data.tags["role"] == "train"


def registry_run(run_id: str):

    return connect().client.get_run(run_id)


def test_another_operating_point_is_another_version_of_the_same_network(tracked):
    trained(tracked, "m")
    promoted(tracked, evaluated(tracked, "m", 1))
    other = evaluated(tracked, "m", 1, operating_point(0.5, low=0.5, high=0.5))
    version, decision = promoted(tracked, other)
    assert (version.number, decision.outcome) == (2, "champion")
    assert "another operating point" in decision.reason
    unknown = evaluated(tracked, "m", 1, OperatingPoint(threshold=None, max_fpr=0.1))
    version, _ = promoted(tracked, unknown)
    assert read_metadata(fetch_detector(version.uri)).operating is None


def test_rollback_goes_back_one_champion_after_another(tracked):
    registry = Registry(RULE.name)
    with pytest.raises(TrackingError, match="no champion before"):
        registry.roll_back()
    for evidence in models(tracked, ("a", 0.1), ("bb", 2), ("ccc", 5)):
        promoted(tracked, evidence)
    assert registry.previous_champion().number == 2
    assert [version.number for version in registry.roll_back()] == [2, 3]
    assert [version.number for version in registry.roll_back()] == [1, 2]
    with pytest.raises(TrackingError, match="no champion before"):
        registry.roll_back()
    assert registry.champion().number == 1
    assert [(event.action, event.version, event.before) for event in registry.history()][3:] == [
        ("rollback", 2, 3),
        ("rollback", 1, 2),
    ]


def test_what_was_taken_back_is_promoted_again_by_a_person_alone(tracked):
    first, second = models(tracked, ("a", 0.1), ("bb", 2))
    for evidence in (first, second):
        promoted(tracked, evidence)
    registry = Registry(RULE.name)
    registry.roll_back()
    for _ in range(2):  # main is promoted again with each merge
        version, decision = promoted(tracked, second)
        assert (version.number, decision.outcome) == (2, "challenger")
        assert decision.reason.startswith("it was taken back on 20") and "--force REASON" in decision.reason
    assert registry.champion().number == 1
    assert promoted(tracked, second, force="it was the upload")[1].outcome == "champion"
    registry._client.set_registered_model_alias(RULE.name, "champion", "1")
    assert promoted(tracked, second)[1].outcome == "champion"  # that was no rollback
    assert [(event.action, event.version) for event in registry.history()] == [
        ("champion", 1),
        ("champion", 2),
        ("rollback", 1),
        ("refused", 2),
        ("champion", 2),
        ("found", 1),
        ("champion", 2),
    ]


def test_an_alias_moved_by_other_means_is_found_and_written_down(tracked):
    for evidence in models(tracked, ("a", 0.1), ("bb", 2)):
        promoted(tracked, evidence)
    registry = Registry(RULE.name)
    registry._client.set_registered_model_alias(RULE.name, "champion", "1")  # in MLflow's page
    assert registry.roll_back()[0].number == 2
    assert [(event.action, event.version) for event in registry.history()][2:] == [("found", 1), ("rollback", 2)]


def test_a_champion_that_moved_meanwhile_is_not_overwritten(tracked):
    for evidence in models(tracked, ("a", 0.1), ("bb", 2)):
        promoted(tracked, evidence)
    registry = Registry(RULE.name)
    with pytest.raises(ChampionChangedError):
        registry.set_champion(registry.version(1), registry.version(1), "compared with version 1, but that is 2 now")
    assert registry.champion().number == 2


def test_a_version_that_is_not_there_and_bytes_that_no_run_made(tracked):
    models(tracked, ("only", 1))
    registry = Registry(RULE.name)
    with pytest.raises(TrackingError, match="no version 7; there are: none"):
        registry.version(7)
    with pytest.raises(TrackingError, match="no run in the MLflow store wrote these bytes"):
        registry.register("outputs/models/only", "0" * 32, tracked / "outputs" / "models" / "only", None, {})
    assert registry.versions() == []
    assert registry.history() == []


def test_a_folder_with_an_operating_point_is_the_same_bytes_each_time(workspace):
    folder = workspace / "d"
    folder.mkdir()
    (folder / "network.keras").write_bytes(b"n")
    metadata = DetectorMetadata(model="m", kind="k", image_size=32, weights="w", threshold=0.5, parameters=1)
    write_json(folder / "detector.json", metadata.model_dump())
    point = Operating(threshold=0.1 + 0.2, low=None, high=1.0)
    with with_operating_point(folder, point) as first, with_operating_point(folder, point) as second:
        assert digest(first) == digest(second) != digest(folder)
        (folder / "seed1").mkdir()
        with with_operating_point(folder, point) as of_several:  # the first seed's alone
            assert digest(of_several) == digest(first)
    assert read_metadata(folder).operating is None


# Ten processes, forked from one that has imported all and connected to nothing.
_TEN = """
import multiprocessing, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import mlflow
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
fork = multiprocessing.get_context("fork")
start = fork.Barrier(10)


def promote(k):
    layout = Layout(Path.cwd())
    rule = load(layout.root / "params.yaml").promote
    registry = Registry(rule.name)
    source = Unregistered(f"outputs/models/model{k}", layout.root / f"outputs/models/model{k}")
    candidate = PromotionCandidate(find_evidence(digest(source.folder)), source)
    start.wait()
    run_promotion(Promotion(registry, candidate, rule, score_champion, n_resamples=200, seed=0), "all of them")


processes = [fork.Process(target=promote, args=(k,)) for k in range(10)]
for process in processes:
    process.start()
for process in processes:
    process.join()
print(*(process.exitcode for process in processes))
"""


@pytest.mark.slow
def test_ten_promotions_at_once_leave_one_champion_and_a_whole_history(tracked):
    models(tracked, *((f"model{k}", 1) for k in range(10)))
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.run(
        [sys.executable, "-c", _TEN], cwd=tracked, env=env, capture_output=True, text=True, check=False
    )
    assert process.stdout.split() == ["0"] * 10, process.stderr
    registry = Registry(RULE.name)
    versions, history = registry.versions(), registry.history()
    assert sorted(version.number for version in versions) == list(range(1, 11))
    assert len({version.tags["digest"] for version in versions}) == 10
    champions = [event for event in history if event.action == "champion"]
    assert len(champions) == len(history) == 10
    # Each took the place of the one before it, and the last one has it.
    assert [event.before for event in champions] == [None, *(event.version for event in champions[:-1])]
    assert registry.champion().number == champions[-1].version
    assert [version.number for version in versions if "champion" in version.aliases] == [champions[-1].version]


def test_without_a_champion_a_model_that_shows_nothing_is_refused_and_the_next_good_one_promoted(tracked, capsys):
    strict = RULE.model_copy(update={"beat_shortcuts": True})
    guessing, good = models(tracked, ("guessing", -0.5), ("good", 3))
    registry = Registry(RULE.name)
    version, decision = promoted(tracked, guessing, rule=strict)
    assert (version.number, decision.outcome, decision.against) == (1, "challenger", None)
    assert registry.champion() is None
    promoted(tracked, guessing, rule=strict)  # again, as by dvc repro --force
    list_registry(as_json=False, last=20)
    shown = " ".join(capsys.readouterr().out.split())
    assert "refused" in shown and "not shown to be better than chance" in shown
    with pytest.raises(TrackingError, match="which were refused, and why: fakefaces registry"):
        fetch_detector("models:/fake-faces@champion")
    version, decision = promoted(tracked, good, rule=strict)
    assert (version.number, decision.outcome) == (2, "champion")
    assert [(event.action, event.version, event.before) for event in registry.history()] == [
        ("refused", 1, None),
        ("champion", 2, None),
    ]
    forced = promoted(tracked, guessing, force="to try it", rule=strict)[1]
    assert forced.outcome == "champion"
