"""The examination: environment, store, outputs, runs, artifacts and registry against dvc.lock and each other."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError
from fakefaces.base.paths import Layout
from fakefaces.maintenance import dvc_lock
from fakefaces.maintenance.artifacts import lost_models, orphans
from fakefaces.maintenance.check_result import Finding
from fakefaces.maintenance.relog import log_again
from fakefaces.params.file import Params
from fakefaces.tracking import artifact_paths, processes, provenance, store
from fakefaces.tracking.runs import find_run


@dataclass(frozen=True)
class Examination:
    """A project and its store, to be held against each other.

    Attributes:
        params: of the project.
        layout: where things lie.
    """

    params: Params
    layout: Layout

    @cached_property
    def stages(self) -> Mapping[str, Any]:
        """What dvc.lock holds."""
        return dvc_lock.read(self.layout.root)

    def findings(self) -> Iterator[Finding]:
        """Everything that was looked at, in the order in which it is mended.

        Raises:
            TrackingError: the store cannot be reached.
        """
        yield from self.environment()
        yield from self.outputs()
        if not there():
            where = environment.without_password(environment.tracking_uri())
            text = f"there is no store at {where}: a fresh clone, or mlruns/ was removed"
            yield Finding("store", text, wrong=bool(self.stages), mend=store.connect, mending="make an empty one")
            return
        with store.reached() as mlflow:
            yield from self.store(mlflow)
            yield from self.runs(mlflow)
            yield from self.artifacts(mlflow)
            yield from self.registry(mlflow)

    def environment(self) -> Iterator[Finding]:
        """Programs and packages."""
        missing = [name for name in ("git", "dvc") if shutil.which(name) is None]
        if missing:
            yield Finding("environment", f"not on the PATH: {', '.join(missing)}", wrong=True, advice="make setup")
        wanted, installed = _wanted(self.layout.root), provenance.versions()
        other = [
            f"{name} {installed.get(name, 'missing')} (uv.lock: {wanted[name]})"
            for name in provenance.LIBRARIES
            if name in wanted and installed.get(name) != wanted[name]
        ]
        if other:
            yield Finding("environment", "; ".join(other), wrong=True, advice="make setup")
        else:
            held = "as in uv.lock" if wanted else "no uv.lock to hold them against"
            yield Finding("environment", f"{provenance.machine()}; {len(installed)} packages, {held}")

    def outputs(self) -> Iterator[Finding]:
        """The workspace against dvc.lock."""
        if not self.stages:
            yield Finding("outputs", "there is no dvc.lock: nothing has run yet", note=True, advice="dvc repro")
            return
        known, well = dvc_lock.outputs(self.stages), 0
        for out in known:
            if not (self.layout.root / out.path).exists():
                yield Finding(
                    "outputs",
                    f"{out.path} is not here",
                    wrong=True,
                    mend=partial(_checkout, self.layout.root, out.path),
                    mending="bring it from DVC's cache",
                )
            elif not dvc_lock.is_as_locked(self.layout.root, out):
                text = f"{out.path} is not as dvc.lock has it"
                yield Finding("outputs", text, wrong=True, advice=f"dvc checkout {out.path}, or dvc repro {out.stage}")
            else:
                well += 1
        if well == len(known):
            yield Finding("outputs", f"{well} outputs of {len(self.stages)} stages, as in dvc.lock")
        for path in sorted((self.layout.root / ".unfinished").glob("*/*")):
            name = path.relative_to(self.layout.root / ".unfinished").as_posix()
            text = f"{name} was interrupted, and goes on from its checkpoint"
            yield Finding("outputs", text, note=True, advice="dvc repro")

    def store(self, mlflow: Any) -> Iterator[Finding]:
        """Whether the store is whole, and lies where it says."""
        where = environment.without_password(environment.tracking_uri())
        if mlflow.get_experiment_by_name(store.EXPERIMENT) is None:
            text = f"{where} has no experiment '{store.EXPERIMENT}'"
            yield Finding("store", text, wrong=bool(self.stages), mend=store.connect, mending="make it")
            return
        if old := artifact_paths.moved_from(mlflow, store.EXPERIMENT):
            yield Finding(
                "store",
                f"it was moved: its artifacts are looked for in {artifact_paths.local_path(old)}",
                wrong=True,
                mend=partial(artifact_paths.relink, old),
                mending="look for them here",
            )
        running = store.running(mlflow)
        dead = [run for run in running if processes.gone(run.data.tags)]
        if dead:
            names = ", ".join(f"{run.data.tags.get('role')} {run.info.run_name}" for run in dead)
            yield Finding(
                "store",
                f"RUNNING, and their processes are gone: {names}",
                wrong=True,
                mend=partial(store.close_dead_runs, mlflow),
                mending="close them as KILLED",
            )
        for run in running:
            if not processes.here(run.data.tags):
                host = run.data.tags.get("host", "an unknown host")
                text = f"{run.data.tags.get('role')} {run.info.run_name} is RUNNING on {host}"
                advice = f"if it is not: mlflow.MlflowClient().set_terminated('{run.info.run_id}', 'KILLED')"
                yield Finding("store", text, note=True, advice=advice)
        yield Finding("store", where)

    def runs(self, mlflow: Any) -> Iterator[Finding]:
        """The runs behind dvc.lock."""
        if mlflow.get_experiment_by_name(store.EXPERIMENT) is None:
            return
        known = 0
        for made in dvc_lock.made(self.stages, self.layout.root):
            if find_run(mlflow, made.path, made.digest):
                known += 1
                continue
            text = f"{made.path}: no run of this store made it"
            if dvc_lock.is_as_locked(self.layout.root, made):
                again = partial(log_again, made, self.layout, self.stages)
                yield Finding("runs", text, wrong=True, mend=again, mending="log it again from the outputs")
            else:
                yield Finding("runs", text, wrong=True, advice="bring the output (dvc checkout, dvc pull), then --fix")
        if known:
            yield Finding("runs", f"{known} outputs of dvc.lock lead to the runs that made them")

    def artifacts(self, mlflow: Any) -> Iterator[Finding]:
        """The files of runs and models."""
        yield from lost_models(mlflow, self.params.promote.name, self.layout, self.stages)
        yield from orphans(mlflow)

    def registry(self, mlflow: Any) -> Iterator[Finding]:
        """Versions, their runs, and the aliases."""
        client, name = mlflow.MlflowClient(), self.params.promote.name
        try:
            aliases = dict(client.get_registered_model(name).aliases)
        except mlflow.exceptions.MlflowException:
            aliases = {}
        versions = client.search_model_versions(f"name = '{name}'")
        for version in versions:
            try:
                run = client.get_run(version.run_id)
            except mlflow.exceptions.MlflowException:
                yield Finding("registry", f"version {version.version}: its run is not in the store", note=True)
                continue
            if run.info.lifecycle_stage == "deleted":
                restore = partial(client.restore_run, version.run_id)
                text = f"version {version.version}: its run was deleted"
                yield Finding("registry", text, wrong=True, mend=restore, mending="bring it back")
        numbers = {str(version.version) for version in versions}
        for alias, number in aliases.items():
            if str(number) not in numbers:
                yield Finding("registry", f"'{alias}' points at version {number}, which is gone", wrong=True)
        if "promote" in self.stages and "champion" not in aliases and self.params.split.protocol != "folds":
            yield Finding(
                "registry",
                f"{name} has no champion, though dvc.lock says that one was chosen",
                wrong=True,
                mend=partial(_promote, self.layout.root),
                mending="promote again",
            )
        elif versions:
            held = ", ".join(f"{alias} is version {number}" for alias, number in sorted(aliases.items()))
            yield Finding("registry", f"{name}: {len(versions)} versions; {held or 'no alias'}")


def there() -> bool:
    """Whether the store is there; of what is no sqlite file it is known only by asking."""
    uri = environment.tracking_uri()
    return not uri.startswith("sqlite:///") or Path(uri.removeprefix("sqlite:///")).is_file()


def _wanted(root: Path) -> dict[str, str]:
    """The versions that uv.lock has for this interpreter; it may hold one a Python."""
    import tomllib

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
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        said = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
        raise FakefacesError(f"{' '.join(command)}: {' '.join(said)[:300] or done.returncode}")
