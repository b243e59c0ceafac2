"""Detectors in MLflow: logged with their run, and fetched to a folder again."""

import base64
import json
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import fakefaces
from fakefaces.base import environment
from fakefaces.base.errors import TrackingError
from fakefaces.base.files import write_json
from fakefaces.base.leftovers import temporary_folder
from fakefaces.base.secrets import masked
from fakefaces.inference.metadata import Operating, read_metadata
from fakefaces.provenance import signatures
from fakefaces.tracking.connection import unless_lost
from fakefaces.tracking.integrity import is_unchanged, registered_tags
from fakefaces.tracking.read_only import download_folder
from fakefaces.tracking.remembered import recall, remember, store_state
from fakefaces.tracking.runs import Run
from fakefaces.tracking.store import Store, connect, mlflow_errors
from fakefaces.tracking.unpromoted import how_to_promote

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.models import Model

CHAMPION, CHALLENGER = "champion", "challenger"  # aliases of registered versions, and outcomes of a promotion
# What the model's code imports, and of MLflow what loading it needs: mlflow-skinny, and pandas.
REQUIREMENTS = (
    "mlflow-skinny",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "pandas",
    "pillow",
    "pydantic",
    "pyyaml",
    "simplejpeg",
)
REGISTERED = "registered"  # in the names of logged models that were made for the registry
_ARTIFACT = "detector"
# By path and not by import: a training, which logs its detector, does not depend on this code.
MODEL_CODE = Path(fakefaces.__file__).parent / "serving" / "pyfunc_model.py"
_EXAMPLE, _REQUEST = "input_example.json", "serving_input_example.json"  # MLflow's names


@unless_lost
def log_detector(run: Run, folder: Path, example: bytes) -> None:
    """Log a saved detector as a model that takes image files, with ``example``, the content of one.

    The logged model is called as the model is, and one of a fold, such as ``vgg16-fold0``.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    client = run.store.client
    name = logged_name(read_metadata(folder).model, folder.name)
    model = client.create_logged_model(str(run.store.experiment_id), name=name, source_run_id=run.id)
    status = LoggedModelStatus.FAILED
    try:
        write_model_files(run.store, model, folder, example)
        status = LoggedModelStatus.READY
    finally:
        client.finalize_logged_model(model.model_id, status)
    client.log_outputs(run.id, [LoggedModelOutput(model.model_id, step=0)])


def logged_name(model: str, *more: str) -> str:
    """The name of a logged model: that of the model, and what tells it from others of the same model."""
    parts = [model, *(part for part in more if part != model)]
    return "-".join(re.sub(r"[^\w-]+", "-", part) for part in parts)


@contextmanager
def with_operating_point(folder: Path, point: Operating | None) -> Iterator[Path]:
    """A temporary copy of a detector's folder whose metadata holds an operating point.

    The detectors of further seeds are left out: the first one's is what is registered.
    """
    with temporary_folder() as temporary:
        copy = temporary / _ARTIFACT
        _copy_own_files(folder, copy)
        (copy / "detector.json").unlink()
        metadata = read_metadata(folder).model_copy(update={"operating": point})
        write_json(copy / "detector.json", metadata.model_dump())
        yield copy


def write_model_files(
    store: Store,
    model: "LoggedModel",
    folder: Path,
    example: bytes | None = None,
    code: Path = MODEL_CODE,
    package: Path | None = None,
) -> None:
    """Write the files of a logged model.

    Args:
        store: that holds it.
        model: as the store created it.
        folder: of the detector.
        example: the content of an image file, for the model's input example; None for a model without one.
        code: the module with the pyfunc.
        package: the folder of the package that ``code`` imports; None if that is the installed one. With one, the
            model is to be registered: it is signed if a key is configured.

    MLflow's ``log_model`` would load the model twice and score the example twice to infer a signature that the type
    hints give already: half a minute for a large backbone. Nothing is loaded here.
    """
    from mlflow.models import Model

    info = {"artifact_path": _EXAMPLE, "serving_input_path": _REQUEST, "type": "json_object"}
    metadata = Model(
        artifact_path=model.artifact_location,
        run_id=model.source_run_id,
        model_id=model.model_id,
        saved_input_example_info=info if example is not None else None,
    )
    with temporary_folder() as temporary, mlflow_errors():
        saved, own = temporary / "model", temporary / "own" / folder.name
        if any(path.is_dir() for path in folder.iterdir()):
            own.parent.mkdir()
            _copy_own_files(folder, own)
            folder = own
        _save_pyfunc(folder, saved, metadata, code, package)
        if example is not None:
            inputs = [base64.encodebytes(example).decode("ascii")]
            (saved / _EXAMPLE).write_text(json.dumps(inputs), encoding="utf-8")
            (saved / _REQUEST).write_text(json.dumps({"inputs": inputs}, indent=2), encoding="utf-8")
        if package is not None:
            signatures.sign(saved)
        store.client.log_model_artifacts(model.model_id, str(saved))


def _save_pyfunc(folder: Path, target: Path, metadata: "Model", code: Path, package: Path | None) -> None:
    """Save a detector in MLflow's format to a new folder, with its code as files, not as a pickle."""
    pyfunc().save_model(
        str(target),
        mlflow_model=metadata,
        python_model=str(code),
        code_paths=[str(package)] if package else None,
        model_config={"threads": 1},  # MLflow lets a caller change only what is set here
        artifacts={_ARTIFACT: str(folder)},
        # Without this list MLflow would load the model in another process to find its packages.
        pip_requirements=requirements(),
    )


def fetch_detector(uri: str, *, verified: bool = True) -> Path:
    """Download the folder of a detector by its URI, such as ``models:/fake-faces@champion`` or ``models:/m-<id>``.

    Args:
        uri: of the model.
        verified: whether its signature must verify, where a public key is configured.

    Raises:
        TrackingError: there is no such model, its files are gone or were changed since it was registered, or fakefaces
            did not log it.
        SignatureError: its signature is missing or does not verify.
    """
    folder = recall(uri) or _download(uri)
    if verified:
        signatures.verify(folder.parents[1], uri)
    return folder


def _download(uri: str) -> Path:
    state = store_state()
    client = connect(create=False).client
    import mlflow
    from mlflow.exceptions import MlflowException

    resolved, digests, unknown = uri, dict[str, str](), None
    try:
        resolved, digests = registered_tags(client, uri)
    except TrackingError as error:  # the download says better what is wrong with a name
        unknown = error
    try:
        model = Path(
            mlflow.artifacts.download_artifacts(resolved, dst_path=download_folder(environment.tracking_uri()))
        )
    except (MlflowException, OSError) as error:
        where, reason = masked(environment.tracking_uri()), " ".join(str(error).split())[:200]
        raise TrackingError(
            f"{uri}: no such model in {where} ({reason}); {how_to_promote()}; which were "
            "refused, and why: fakefaces registry"
        ) from None
    folder = next((path for path in sorted((model / "artifacts").glob("*")) if path.is_dir()), None)
    if folder is None:
        raise TrackingError(f"{uri}: fakefaces did not log this model; list its own with: fakefaces registry")
    if unknown:
        raise unknown
    if not is_unchanged(folder, digests):
        raise TrackingError(
            f"{uri}: the files in {folder} are not those that were registered; restore them: fakefaces doctor --fix, "
            "or take another version: fakefaces promote --rollback"
        )
    remember(uri, folder, state, digests)
    return folder


def requirements() -> list[str]:
    """The lines of a logged model's ``requirements.txt``: exactly the installed versions."""
    return [f"{name}=={version(name)}" for name in REQUIREMENTS]


def pyfunc() -> ModuleType:
    """The module ``mlflow.pyfunc``, imported without the warnings about its own type hints."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        import mlflow.pyfunc
    return mlflow.pyfunc


def _copy_own_files(folder: Path, copy: Path) -> None:
    """Copy a detector, without the folders beside its files, which hold those of further seeds."""
    copy.mkdir()
    for path in folder.iterdir():
        if not path.is_dir():
            _link_or_copy(str(path), str(copy / path.name))


def _link_or_copy(source: str, target: str) -> str:
    """A hard link where that is possible, as networks are large."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
