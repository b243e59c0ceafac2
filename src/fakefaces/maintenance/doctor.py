"""The doctor: environment, store, outputs, runs, artifacts and registry checked against dvc.lock and each other."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.paths import Layout
from fakefaces.maintenance import dvc_lock
from fakefaces.maintenance.artifacts import check_models, check_orphans
from fakefaces.maintenance.check_result import CheckResult
from fakefaces.maintenance.relog import log_again
from fakefaces.params.file import Params
from fakefaces.tracking import processes, provenance
from fakefaces.tracking.artifact_paths import moved_from
from fakefaces.tracking.detectors import CHAMPION
from fakefaces.tracking.runs import find_run
from fakefaces.tracking.store import EXPERIMENT, Store, close_dead_runs, connect, running


@dataclass(frozen=True)
class Doctor:
    """The checks of a project and its store."""

    params: Params
    layout: Layout

    @cached_property
    def stages(self) -> dvc_lock.Stages:
        """The stages of dvc.lock."""
        return dvc_lock.read_stages(self.layout.root)

    def check(self) -> Iterator[CheckResult]:
        """All checks, in the order in which errors are to be fixed.

        Raises:
            TrackingError: the store cannot be reached.
        """
        yield from self.check_environment()
        yield from self.check_outputs()
        if not _store_exists():
            where = environment.without_password(environment.tracking_uri())
            text = f"there is no store at {where}: a fresh clone, or mlruns/ was removed"
            yield CheckResult("store", text, "error" if self.stages else "ok", connect, "create an empty one")
            return
        store = connect(create=False)
        yield from self.check_store(store)
        if store.experiment_id:
            yield from self.check_runs(store)
        yield from check_models(store, self.params.promote.name, self.layout, self.stages)
        yield from check_orphans(store)
        yield from self.check_registry(store)

    def check_environment(self) -> Iterator[CheckResult]:
        """Programs, and packages against uv.lock."""
        if missing := [name for name in ("git", "dvc") if shutil.which(name) is None]:
            yield CheckResult("environment", f"not on the PATH: {', '.join(missing)}", "error", advice="make setup")
        locked, installed = _locked_versions(self.layout.root), provenance.versions()
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

    def check_outputs(self) -> Iterator[CheckResult]:
        """The workspace against dvc.lock."""
        if not self.stages:
            yield CheckResult("outputs", "there is no dvc.lock: nothing has run yet", "note", advice="dvc repro")
            return
        root, outputs, current = self.layout.root, dvc_lock.outputs(self.stages), 0
        for out in outputs:
            if not (root / out.path).exists():
                fix = partial(_checkout, root, out.path)
                yield CheckResult("outputs", f"{out.path} is missing", "error", fix, "check it out of DVC's cache")
            elif not out.is_current(root):
                text = f"{out.path} differs from dvc.lock"
                advice = f"dvc checkout {out.path}, or dvc repro {out.stage}"
                yield CheckResult("outputs", text, "error", advice=advice)
            else:
                current += 1
        if current == len(outputs):
            yield CheckResult("outputs", f"{current} outputs of {len(self.stages)} stages, as in dvc.lock")
        for path in sorted((root / ".unfinished").glob("*/*")):
            name = path.relative_to(root / ".unfinished").as_posix()
            text = f"{name} was interrupted, and will resume from its checkpoint"
            yield CheckResult("outputs", text, "note", advice="dvc repro")

    def check_store(self, store: Store) -> Iterator[CheckResult]:
        """Whether the store has its experiment and lies where it says, and which runs are RUNNING."""
        where = environment.without_password(environment.tracking_uri())
        experiment = store.client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            text = f"{where} has no experiment '{EXPERIMENT}'"
            yield CheckResult("store", text, "error" if self.stages else "ok", connect, "create it")
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

    def check_runs(self, store: Store) -> Iterator[CheckResult]:
        """The runs behind dvc.lock."""
        known = 0
        for output in dvc_lock.logged_outputs(self.stages, self.layout.root):
            if find_run(store, output.path, output.digest):
                known += 1
                continue
            text = f"{output.path}: no run of this store wrote it"
            if output.is_current(self.layout.root):
                fix = partial(log_again, output, self.layout, self.stages)
                yield CheckResult("runs", text, "error", fix, "log it again from the outputs")
            else:
                advice = "bring back the output (dvc checkout, dvc pull), then --fix"
                yield CheckResult("runs", text, "error", advice=advice)
        if known:
            yield CheckResult("runs", f"{known} outputs of dvc.lock lead to the runs that wrote them")

    def check_registry(self, store: Store) -> Iterator[CheckResult]:
        """Versions, their runs, and the aliases."""
        client, name = store.client, self.params.promote.name
        models = client.search_registered_models(f"name = '{name}'")
        aliases = models[0].aliases if models else {}
        versions = client.search_model_versions(f"name = '{name}'")
        runs = {run.info.run_id: run for run in store.search_runs("", deleted=True)}
        for version in versions:
            text = f"version {version.version}: its run "
            run = runs.get(version.run_id or "")
            if run is None:
                yield CheckResult("registry", f"{text}is not in the store", "note")
            elif run.info.lifecycle_stage == "deleted":
                fix = partial(client.restore_run, run.info.run_id)
                yield CheckResult("registry", f"{text}was deleted", "error", fix, "restore it")
        numbers = {str(version.version) for version in versions}
        for alias, number in aliases.items():
            if str(number) not in numbers:
                text = f"'{alias}' points at version {number}, which does not exist"
                yield CheckResult("registry", text, "error", advice="fakefaces promote")
        if "promote" in self.stages and CHAMPION not in aliases and self.params.split.protocol != "folds":
            text = f"{name} has no champion, though dvc.lock says that one was promoted"
            yield CheckResult("registry", text, "error", partial(_promote, self.layout.root), "promote again")
        elif versions:
            pointers = ", ".join(f"{alias} is version {number}" for alias, number in sorted(aliases.items()))
            yield CheckResult("registry", f"{name}: {len(versions)} versions; {pointers or 'no alias'}")


def _store_exists() -> bool:
    """Whether the store exists; other stores than sqlite files are known only by asking."""
    uri = environment.tracking_uri()
    return not uri.startswith("sqlite:///") or Path(uri.removeprefix("sqlite:///")).is_file()


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
        _run(root, "dvc", "checkout", path)
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
