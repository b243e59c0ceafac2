"""Detectors logged for registration: with their operating point, and with the code that they need wherever they go."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from fakefaces.base.leftovers import temporary_folder
from fakefaces.inference.metadata import read_metadata
from fakefaces.inference.packing import importable, pack
from fakefaces.provenance import signatures
from fakefaces.tracking.detectors import MODEL_CODE, REGISTERED, fetch_detector, logged_name, write_model_files
from fakefaces.tracking.store import Store, all_pages

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.entities import Run as RunRecord


def log_for_registration(store: Store, run: "RunRecord", folder: Path, tags: dict[str, str]) -> str:
    """Log a detector with its operating point as a model of the run that trained it; return its ``models:/`` URI.

    A model with the same tag ``served.digest`` is not logged again. The caller has locked the registry.
    """
    client, experiment = store.client, run.info.experiment_id
    condition = f"tags.`served.digest` = '{tags['served.digest']}'"
    for model in all_pages(lambda token: client.search_logged_models([experiment], condition, page_token=token)):
        if str(model.status) == "READY":
            return f"models:/{model.model_id}"
        client.delete_logged_model(model.model_id)  # of a process that was killed, as the registry is locked
    name = logged_name(read_metadata(folder).model, REGISTERED)
    model = client.create_logged_model(experiment, name=name, source_run_id=run.info.run_id, tags=tags)
    write_packed(store, model, folder)
    client.finalize_logged_model(model.model_id, "READY")
    return f"models:/{model.model_id}"


def write_packed(store: Store, model: "LoggedModel", folder: Path) -> None:
    """Write the files of a logged model that is to be registered: the detector in a folder, and the code it needs."""
    with temporary_folder() as temporary:
        code = pack(MODEL_CODE, temporary)
        with importable(code):  # MLflow runs the model's code to read its type hints
            write_model_files(store, model, folder, code=code.entry, package=code.package)


def is_packed(uri: str) -> bool:
    """Whether a model carries the code that it needs; those that release 0.1 registered do not.

    Raises:
        TrackingError: there is no such model.
    """
    return (fetch_detector(uri, verified=False).parents[1] / "code").is_dir()


def repack(store: Store, model_id: str, folder: Path) -> None:
    """Add the code that it needs, and exact requirements, to a model that an earlier release registered.

    Args:
        store: that holds it.
        model_id: of the logged model behind the version, ``m-...``.
        folder: of the detector, as fetched by the version, or a copy with what is to be added to it.

    Raises:
        TrackingError: there is no such model, or its files cannot be written.
    """
    write_packed(store, store.client.get_logged_model(model_id), folder)


def sign_registered(store: Store, model_id: str, uri: str) -> None:
    """Sign a registered model as the store holds it, if a key is configured; its detector is compared with the digests.

    Args:
        store: that holds it.
        model_id: of the logged model behind the version, ``m-...``.
        uri: of the version.

    Raises:
        TrackingError: there is no such model, or its detector is not what was registered.
        SignatureError: it cannot be signed.
    """
    signatures.require_signer()
    model = fetch_detector(uri, verified=False).parents[1]
    with temporary_folder() as temporary:
        copy, signature = temporary / "model", temporary / "signature"
        shutil.copytree(model, copy)
        if signatures.sign(copy):
            signature.mkdir()
            (copy / signatures.SIGNATURE).rename(signature / signatures.SIGNATURE)
            store.client.log_model_artifacts(model_id, str(signature))
