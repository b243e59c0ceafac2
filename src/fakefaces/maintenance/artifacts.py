"""Files of models and runs: lost ones that something leads to, and those that nothing leads to."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fakefaces.base.errors import TrackingError
from fakefaces.base.paths import Layout
from fakefaces.base.schema import parse
from fakefaces.inference.metadata import Operating
from fakefaces.maintenance import dvc_lock
from fakefaces.maintenance.check_result import Finding
from fakefaces.tracking import artifact_paths, store
from fakefaces.tracking.detectors import with_operating, write_files
from fakefaces.tracking.digests import digest
from fakefaces.tracking.runs import OUTPUT_TAG, find_run

_MODELS = "models"  # the folder of the experiment's artifacts in which MLflow keeps logged models


def lost_models(mlflow: Any, name: str, layout: Layout, stages: Mapping[str, Any]) -> Iterator[Finding]:
    """Logged models whose files are gone.

    Args:
        mlflow: on the store.
        name: of the registered model.
        layout: where DVC's outputs lie, of which files are restored.
        stages: of dvc.lock.
    """
    models = _models(mlflow)
    needed = _needed(mlflow, name, layout, stages)
    lost = [model for model in models if _gone(model.artifact_location)]
    for model in lost:
        why = needed.get(model.model_id)
        text = f"the files of the model {model.model_id} are gone" + (f"; it is {why}" if why else "")
        folder = _origin(mlflow, model, layout)
        if not why:
            yield Finding("artifacts", text, note=True)
        elif folder is None:
            advice = "bring back the commit that trained it (git checkout, dvc checkout), then --fix"
            yield Finding("artifacts", text, wrong=True, advice=advice)
        else:
            again = partial(_restore, mlflow, name, model, folder)
            yield Finding(
                "artifacts", text, wrong=True, mend=again, mending=f"restore them from {folder.name}'s outputs"
            )
    if models and not lost:
        yield Finding("artifacts", f"{len(models)} models have their files")


def orphans(mlflow: Any) -> Iterator[Finding]:
    """Folders of artifacts whose run or model the store does not know; deleted runs are known."""
    experiment = mlflow.get_experiment_by_name(store.EXPERIMENT)
    root = artifact_paths.local_path(experiment.artifact_location) if experiment else None
    if root is None or not root.is_dir():
        return
    runs = mlflow.search_runs(
        experiment_names=[store.EXPERIMENT], run_view_type=3, max_results=50_000, output_format="list"
    )
    known = {run.info.run_id for run in runs} | {model.model_id for model in _models(mlflow)}
    folders = [path for parent in (root, root / _MODELS) if parent.is_dir() for path in parent.iterdir()]
    spare = [path for path in folders if path.is_dir() and path.name not in known | {_MODELS}]
    if spare:
        size = sum(file.stat().st_size for path in spare for file in path.rglob("*") if file.is_file())
        text = f"{len(spare)} folders below {root} are of no run or model of this store ({size / 1e6:.1f} MB)"
        yield Finding("artifacts", text, note=True, advice=f"if no other store uses them: rm -r {spare[0]} ...")


def _models(mlflow: Any) -> list[Any]:
    experiment, found, token = mlflow.get_experiment_by_name(store.EXPERIMENT), [], None
    while experiment:
        page = mlflow.MlflowClient().search_logged_models([experiment.experiment_id], page_token=token)
        found += list(page)
        token = page.token
        if not token:
            break
    return found


def _needed(mlflow: Any, name: str, layout: Layout, stages: Mapping[str, Any]) -> dict[str, str]:
    """The models that something leads to, each with what that is."""
    needed = {}
    for made in dvc_lock.made(stages, layout.root):
        run = find_run(mlflow, made.path, made.digest)
        for output in run.outputs.model_outputs if run and run.outputs else []:
            needed[output.model_id] = f"of {made.path} in dvc.lock"
    for version in mlflow.MlflowClient().search_model_versions(f"name = '{name}'"):
        if version.source and version.source.startswith("models:/"):
            needed[version.source.removeprefix("models:/")] = f"version {version.version} of {name}"
    return needed


def _gone(location: str) -> bool:
    """Whether files are lost; of what lies elsewhere than on this machine nothing is said."""
    path = artifact_paths.local_path(location)
    return path is not None and not (path / "MLmodel").is_file()


def _restore(mlflow: Any, name: str, model: Any, folder: Path) -> None:
    """Write a model's files anew; a registered one's metadata holds the operating point that its version names."""
    served = model.tags.get("served.digest")
    if not served:
        write_files(mlflow, model, folder)
        return
    versions = mlflow.MlflowClient().search_model_versions(f"name = '{name}'")
    tags: dict[str, str] = next((one.tags for one in versions if one.tags.get("served.digest") == served), {})
    told = {key: tags[f"operating.{key}"] for key in Operating.model_fields if f"operating.{key}" in tags}
    point = {key: None if value == "None" else float(value) for key, value in told.items()}
    with with_operating(folder, parse(Operating, point, name) if point else None) as copy:
        if digest(copy) != served:
            raise TrackingError(f"{model.model_id}: its version does not tell its operating point; register it again")
        write_files(mlflow, model, copy)


def _origin(mlflow: Any, model: Any, layout: Layout) -> Path | None:
    """The output, as it lies in the workspace, that a model was logged from."""
    if not model.source_run_id:
        return None
    for tag, made in mlflow.get_run(model.source_run_id).data.tags.items():
        path = layout.root / tag.removeprefix(OUTPUT_TAG)
        if tag.startswith(f"{OUTPUT_TAG}outputs/models/") and path.is_dir() and digest(path) == made:
            return path
    return None
