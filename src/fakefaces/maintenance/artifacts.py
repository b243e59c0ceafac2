"""The files of logged models and runs: lost ones that are needed, and folders that belong to nothing."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fakefaces.base.errors import ModelError, TrackingError
from fakefaces.base.paths import Layout
from fakefaces.base.schema import parse
from fakefaces.inference.detector import load
from fakefaces.inference.metadata import Operating
from fakefaces.maintenance.check_result import CheckResult
from fakefaces.maintenance.dvc_lock import Stages, logged_outputs
from fakefaces.tracking.artifact_paths import local_path
from fakefaces.tracking.detectors import CHAMPION, with_operating_point, write_model_files
from fakefaces.tracking.digests import digest
from fakefaces.tracking.integrity import GRAPH_TAG, is_unchanged
from fakefaces.tracking.registration import write_packed
from fakefaces.tracking.runs import OUTPUT_TAG, find_run
from fakefaces.tracking.store import EXPERIMENT, Store, all_pages

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel

_MODELS = "models"  # the folder of the experiment's artifacts in which MLflow keeps logged models


def check_models(store: Store, name: str, layout: Layout, stages: Stages) -> Iterator[CheckResult]:
    """Check that the files of logged models are there, and unchanged; others are restored from the outputs."""
    models = _logged_models(store)
    needed = _needed_models(store, name, layout, stages)
    lost = [model for model in models if _is_lost(model.artifact_location)]
    changed = [model for model in models if model not in lost and _is_changed(model)]
    for model in (*lost, *changed):
        needed_as = needed.get(model.model_id)
        fault = "missing" if model in lost else "not those that were registered"
        text = f"the files of the model {model.model_id} are {fault}" + (f"; it is {needed_as}" if needed_as else "")
        folder = _origin(store, model, layout)
        if not needed_as:
            yield CheckResult("artifacts", text, "note")
        elif folder is None:
            advice = "bring back the commit that trained it (git checkout, dvc checkout), then --fix"
            yield CheckResult("artifacts", text, "error", advice=advice)
        else:
            fix = partial(_restore, store, name, model, folder)
            yield CheckResult("artifacts", text, "error", fix, f"restore them from {layout.relative(folder)}")
    if models and not lost and not changed:
        yield CheckResult("artifacts", f"{len(models)} models have their files")


def check_champion(store: Store, name: str) -> Iterator[CheckResult]:
    """Load the champion, where its files are on this machine, as every command that scores does."""
    models = store.client.search_registered_models(f"name = '{name}'")
    number = models[0].aliases.get(CHAMPION) if models else None
    if number is None:
        return
    version = store.client.get_model_version(name, str(number))
    source = (version.source or "").removeprefix("models:/")
    model = next((model for model in _logged_models(store) if model.model_id == source), None)
    path = local_path(model.artifact_location) if model else None
    folders = sorted((path / "artifacts").glob("*/")) if path else []
    if not folders or GRAPH_TAG not in version.tags or (model and _is_changed(model)):
        return  # another check says so
    try:
        load(folders[0])
    except ModelError as error:
        text = f"the champion, version {number}, scores nothing: {error}"
        yield CheckResult("registry", text, "error", advice="fakefaces promote, after: dvc repro")


def check_orphans(store: Store) -> Iterator[CheckResult]:
    """Report folders of artifacts whose run or model the store does not know; it knows deleted runs."""
    experiment = store.client.get_experiment_by_name(EXPERIMENT)
    root = local_path(experiment.artifact_location) if experiment else None
    if root is None or not root.is_dir():
        return
    known = {run.info.run_id for run in store.search_runs("", deleted=True)}
    known |= {model.model_id for model in _logged_models(store)} | {_MODELS}
    folders = [path for parent in (root, root / _MODELS) if parent.is_dir() for path in parent.iterdir()]
    orphans = [path for path in folders if path.is_dir() and path.name not in known]
    if orphans:
        size = sum(file.stat().st_size for path in orphans for file in path.rglob("*") if file.is_file())
        text = f"{len(orphans)} folders below {root} belong to no run or model of this store ({size / 1e6:.1f} MB)"
        yield CheckResult("artifacts", text, "note", advice=f"if no other store uses them: rm -r {orphans[0]} ...")


def _logged_models(store: Store) -> "list[LoggedModel]":
    if store.experiment_id is None:
        return []
    experiment = [store.experiment_id]
    return all_pages(lambda token: store.client.search_logged_models(experiment, page_token=token))


def _needed_models(store: Store, name: str, layout: Layout, stages: Stages) -> dict[str, str]:
    """The ids of the models that dvc.lock and the registry lead to, each with what it is."""
    needed = {}
    for output in logged_outputs(stages, layout.root):
        run = find_run(store, output.path, output.digest)
        for model in run.outputs.model_outputs if run and run.outputs else []:
            needed[model.model_id] = f"of {output.path} in dvc.lock"
    for version in store.client.search_model_versions(f"name = '{name}'"):
        if version.source and version.source.startswith("models:/"):
            needed[version.source.removeprefix("models:/")] = f"version {version.version} of {name}"
    return needed


def _is_lost(location: str) -> bool:
    """Whether files are missing; nothing is known of a location that is not on this machine."""
    path = local_path(location)
    return path is not None and not ((path / "MLmodel").is_file() and (path / "artifacts").is_dir())


def _is_changed(model: "LoggedModel") -> bool:
    """Whether the files of a registered model are on this machine, and have another digest than its own."""
    path = local_path(model.artifact_location)
    folders = sorted((path / "artifacts").glob("*/")) if path else []
    return bool(folders) and not is_unchanged(folders[0], model.tags or {})


def _restore(store: Store, name: str, model: "LoggedModel", folder: Path) -> None:
    """Write a model's files again; a registered one's metadata holds the operating point of its version."""
    served = model.tags.get("served.digest")
    if not served:
        write_model_files(store, model, folder)
        return
    versions = [version.tags for version in store.client.search_model_versions(f"name = '{name}'")]
    tags: dict[str, str] = next((tags for tags in versions if tags.get("served.digest") == served), {})
    texts = {key: tags[f"operating.{key}"] for key in Operating.model_fields if f"operating.{key}" in tags}
    values = {key: None if text == "None" else float(text) for key, text in texts.items()}
    with with_operating_point(folder, parse(Operating, values, name) if values else None) as copy:
        if digest(copy) != served:
            raise TrackingError(
                f"{model.model_id}: its registered version does not record this operating point; promote it again"
            )
        if _is_changed(model) and (path := local_path(model.artifact_location)):
            shutil.rmtree(path / "artifacts")  # with files that were added; if this is killed, they count as missing
        write_packed(store, model, copy)


def _origin(store: Store, model: "LoggedModel", layout: Layout) -> Path | None:
    """The output, as it lies in the workspace, that a model was logged from."""
    if not model.source_run_id:
        return None
    for tag, md5 in store.client.get_run(model.source_run_id).data.tags.items():
        path = layout.root / tag.removeprefix(OUTPUT_TAG)
        if tag.startswith(f"{OUTPUT_TAG}outputs/models/") and path.is_dir() and digest(path) == md5:
            return path
    return None
