"""The doctor: environment, store, outputs, runs, artifacts and registry checked against dvc.lock and each other."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fakefaces.base import environment
from fakefaces.base.environment import DVC
from fakefaces.base.errors import FakefacesError, ModelError, TrackingError
from fakefaces.base.paths import Layout
from fakefaces.base.secrets import masked
from fakefaces.maintenance import dvc_lock
from fakefaces.maintenance.artifacts import check_champion, check_models, check_orphans
from fakefaces.maintenance.check_result import CheckResult
from fakefaces.maintenance.damaged_store import damaged_file
from fakefaces.maintenance.forgetting.record import check_forgotten
from fakefaces.maintenance.photographs import check_data
from fakefaces.maintenance.relog import log_again
from fakefaces.maintenance.signed_versions import check_signatures
from fakefaces.models.devices import devices, has_accelerator_file
from fakefaces.params.file import Params
from fakefaces.tracking import processes, provenance
from fakefaces.tracking.artifact_paths import moved_from
from fakefaces.tracking.detectors import CHALLENGER, CHAMPION
from fakefaces.tracking.integrity import GRAPH_TAG
from fakefaces.tracking.runs import find_run
from fakefaces.tracking.store import EXPERIMENT, Store, close_dead_runs, connect, running


@dataclass(frozen=True)
class Updates:
    """What brings a store of an earlier release up to date; versions are given by their numbers."""

    upgrade: Callable[[int], None]  # adds the inference graph and the code to a version
    undescribed: Callable[[], list[int]]  # the versions whose description is the decision on them alone
    describe: Callable[[int], None]  # adds the metrics, and what it is not for, to a version's description
    lacking: Callable[[], list[str]]  # what MLflow's pages lack
    publish: Callable[[], None]  # adds that


def check_project(params: Params, layout: Layout, updates: Updates) -> Iterator[CheckResult]:
    """All checks of a project and its store, in the order in which errors are to be fixed."""
    root, name = layout.root, params.promote.name
    stages = dvc_lock.stages_of(dvc_lock.read_stages(root), params)
    yield from _check_environment(root)
    yield from check_data(root)
    yield from check_forgotten(root)
    yield from _check_outputs(root, stages)
    where = masked(environment.tracking_uri())
    if not _store_exists():
        text = f"there is no store at {where}: a fresh clone, or mlruns/ was removed"
        yield CheckResult("store", text, "error" if stages else "ok", connect, "create an empty one")
        return
    if damage := damaged_file(environment.tracking_uri()):
        yield damage
        return
    try:
        store = connect(create=False, update=False)
    except TrackingError as error:
        yield CheckResult("store", str(error), "error")
        return
    yield from _check_store(store, where, stages)
    if store.experiment_id:
        yield from _check_runs(store, layout, stages)
    yield from check_models(store, name, layout, stages)
    yield from check_champion(store, name)
    yield from check_orphans(store)
    if lacking := updates.lacking():
        text = f"MLflow's pages lack {', '.join(lacking)}"
        yield CheckResult("pages", text, "error", updates.publish, "add them")
    promotes = "promote" in stages and params.split.protocol != "folds"
    yield from _check_registry(store, name, partial(_promote, root) if promotes else None, updates)


def _check_environment(root: Path) -> Iterator[CheckResult]:
    if shutil.which("git") is None:
        yield CheckResult("environment", "git is not on the PATH", "error", advice="install it")
    locked, installed = _locked_versions(root), provenance.versions()
    other = [
        f"{name} {installed.get(name, 'missing')} (uv.lock: {locked[name]})"
        for name in provenance.LIBRARIES
        if name in locked and installed.get(name) != locked[name]
    ]
    if other:
        yield CheckResult("environment", "; ".join(other), "error", advice="make setup")
    else:
        compared = "as in uv.lock" if locked else "no uv.lock to compare them with"
        yield CheckResult("environment", f"{provenance.machine()}; {len(installed)} packages, {compared}")
    yield _check_devices()


def _check_devices() -> CheckResult:
    """What networks are trained on, and in what precisions it is fast."""
    try:
        backend, accelerators, precisions = devices()
    except ModelError as error:
        return CheckResult("devices", str(error), "error", advice="install that backend, or unset KERAS_BACKEND")
    text = f"{backend} trains on {', '.join(accelerators) or 'the processor'}; precision: {', '.join(precisions)}"
    if has_accelerator_file() and not accelerators:
        advice = "uv sync --extra gpu (docs/scaling.md)"
        return CheckResult("devices", f"{text}; there is an accelerator, which it does not see", "note", advice=advice)
    return CheckResult("devices", text)


def _check_outputs(root: Path, stages: dvc_lock.Stages) -> Iterator[CheckResult]:
    if not stages:
        yield CheckResult("outputs", "there is no dvc.lock: nothing has run yet", "note", advice="dvc repro")
        return
    outputs, current = dvc_lock.outputs(stages), 0
    for out in outputs:
        if not (root / out.path).exists():
            fix = partial(_checkout, root, out.path)
            yield CheckResult("outputs", f"{out.path} is missing", "error", fix, "check it out of DVC's cache")
        elif not out.is_current(root):
            advice = f"dvc checkout {out.path}, or dvc repro {out.stage}"
            yield CheckResult("outputs", f"{out.path} differs from dvc.lock", "error", advice=advice)
        else:
            current += 1
    if current == len(outputs):
        yield CheckResult("outputs", f"{current} outputs of {len(stages)} stages, as in dvc.lock")
    for path in sorted((root / ".unfinished").glob("*/*")):
        name = path.relative_to(root / ".unfinished").as_posix()
        text = f"{name} was interrupted, and will resume from its checkpoint"
        yield CheckResult("outputs", text, "note", advice="dvc repro")


def _check_store(store: Store, where: str, stages: dvc_lock.Stages) -> Iterator[CheckResult]:
    experiment = store.client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        text = f"{where} has no experiment '{EXPERIMENT}'"
        yield CheckResult("store", text, "error" if stages else "ok", connect, "create it")
        return
    if old := moved_from(experiment.artifact_location):
        text = f"it was moved: its artifacts are looked for in {old}"
        yield CheckResult("store", text, "error", connect, "update their paths")
    runs = running(store)
    if dead := [run for run in runs if processes.has_ended(run.data.tags)]:
        names = ", ".join(f"{run.data.tags.get('role')} {run.info.run_name}" for run in dead)
        text = f"RUNNING, but their processes have ended: {names}"
        yield CheckResult("store", text, "error", partial(close_dead_runs, store), "set their status to KILLED")
    for run in runs:
        if not processes.is_local(run.data.tags):
            host = run.data.tags.get("host", "an unknown host")
            text = f"{run.data.tags.get('role')} {run.info.run_name} is RUNNING on {host}"
            advice = f"if it is not: mlflow.MlflowClient().set_terminated('{run.info.run_id}', 'KILLED')"
            yield CheckResult("store", text, "note", advice=advice)
    yield CheckResult("store", where)


def _check_runs(store: Store, layout: Layout, stages: dvc_lock.Stages) -> Iterator[CheckResult]:
    known = 0
    for output in dvc_lock.logged_outputs(stages, layout.root):
        text = f"{output.path}: no run of this store wrote it"
        if find_run(store, output.path, output.digest):
            known += 1
        elif output.is_current(layout.root):
            fix = partial(log_again, output, layout, stages)
            yield CheckResult("runs", text, "error", fix, "log it again from the outputs")
        else:
            advice = "bring back the output (dvc checkout, dvc pull), then --fix"
            yield CheckResult("runs", text, "error", advice=advice)
    if known:
        yield CheckResult("runs", f"{known} outputs of dvc.lock lead to the runs that wrote them")


def _check_registry(
    store: Store, name: str, promote: Callable[[], None] | None, updates: Updates
) -> Iterator[CheckResult]:
    """Check versions, their runs, and the aliases; ``promote`` is what sets a champion that dvc.lock asks for."""
    models = store.client.search_registered_models(f"name = '{name}'")
    aliases = models[0].aliases if models else {}
    versions = store.client.search_model_versions(f"name = '{name}'")
    runs = {run.info.run_id: run for run in store.search_runs("", deleted=True)}
    for version in versions:
        run = runs.get(version.run_id or "")
        if run is None:
            yield CheckResult("registry", f"version {version.version}: its run is not in the store", "note")
        elif run.info.lifecycle_stage == "deleted":
            fix = partial(store.client.restore_run, run.info.run_id)
            yield CheckResult("registry", f"version {version.version}: its run was deleted", "error", fix, "restore it")
        if GRAPH_TAG not in version.tags:
            text = f"version {version.version} lacks the inference graph, or the code to load it elsewhere"
            fix = partial(updates.upgrade, int(version.version))
            yield CheckResult("registry", text, "error", fix, "export the graph and pack the code")
    yield from check_signatures(store, name, aliases)
    for number in updates.undescribed() if versions else []:
        text = f"version {number} does not say what it achieves, and what it must not be used for"
        yield CheckResult("registry", text, "error", partial(updates.describe, number), "describe it")
    numbers = {str(version.version) for version in versions}
    for alias, number in aliases.items():
        if str(number) not in numbers:
            text = f"'{alias}' points at version {number}, which does not exist"
            yield CheckResult("registry", text, "error", advice="fakefaces promote")
    refused = next((version for version in versions if str(version.version) == str(aliases.get(CHALLENGER))), None)
    if CHAMPION not in aliases and refused and refused.tags.get("decision.outcome") == CHALLENGER:
        reason = refused.tags.get("decision.reason", "")
        yield CheckResult(
            "registry", f"{name} has no champion: version {refused.version} was refused: {reason}", "note"
        )
    elif promote and CHAMPION not in aliases:
        text = f"{name} has no champion, though dvc.lock says that one was promoted"
        yield CheckResult("registry", text, "error", promote, "promote again")
    elif versions:
        pointers = ", ".join(f"{alias} is version {number}" for alias, number in sorted(aliases.items()))
        yield CheckResult("registry", f"{name}: {len(versions)} versions; {pointers or 'no alias'}")


def _store_exists() -> bool:
    """Whether the store exists, and is not an empty file; other stores than sqlite files are known only by asking."""
    uri = environment.tracking_uri()
    path = Path(uri.removeprefix("sqlite:///"))
    return not uri.startswith("sqlite:///") or (path.is_file() and path.stat().st_size > 0)


def _locked_versions(root: Path) -> dict[str, str]:
    """The versions that uv.lock has for this interpreter; it may hold several for different Pythons."""
    from packaging.markers import Marker

    try:
        packages = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))["package"]
    except (OSError, tomllib.TOMLDecodeError, KeyError):
        return {}
    return {
        package["name"]: package.get("version", "")
        for package in packages
        if any(Marker(text).evaluate() for text in package.get("resolution-markers", ["python_version > '0'"]))
    }


def _checkout(root: Path, path: str) -> None:
    try:
        _run(root, *DVC, "checkout", path)
    except FakefacesError:
        raise FakefacesError(f"{path} is not in DVC's cache; fetch it (dvc pull) or make it (dvc repro)") from None


def _promote(root: Path) -> None:
    """Run the stage by itself: under ``dvc repro --force`` its output would be gone if it failed."""
    _run(root, sys.executable, "pipelines/promote.py")


def _run(root: Path, *command: str) -> None:
    process = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if process.returncode:
        lines = process.stderr.strip().splitlines()
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
        raise FakefacesError(f"{' '.join(command)}: {' '.join(errors)[:300] or process.returncode}")
