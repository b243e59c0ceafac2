"""How a model is named: the same way in every command."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from fakefaces.base import environment
from fakefaces.base.errors import FakefacesError, NoStoreError
from fakefaces.base.paths import Layout

if TYPE_CHECKING:
    from mlflow.entities import Run as RunRecord

CHAMPION, CHALLENGER = "champion", "challenger"
HELP = (
    "'champion' or another alias, a version's number, the name of a model in params.yaml, a run's id, a models:/ URI, "
    "or a detector's folder"
)
_RUN_ID = re.compile(r"[0-9a-f]{6,32}")
_VERSION = re.compile(r"v?[0-9]{1,5}")


def registered_name() -> str:
    """Read the registered model's name from ``params.yaml``."""
    from fakefaces.base.schema import StageParams, read
    from fakefaces.params.promote import Promote

    class Params(StageParams):
        promote: Promote

    return read(Params, environment.workspace() / "params.yaml").promote.name


def model_source(model: str | None) -> Path | str:
    """Where a model is: the folder of its detector, or its ``models:/`` URI. Nothing is loaded or downloaded.

    Args:
        model: as :data:`HELP` says; None for the champion.

    Raises:
        FakefacesError: there is no such model; with the names that there are.
    """
    if model is None or model in (CHAMPION, CHALLENGER):
        return f"models:/{registered_name()}@{model or CHAMPION}"
    if model.startswith("models:/"):
        return model
    if (Path(model) / "detector.json").is_file():
        return Path(model)
    if folder := _trained(model):
        return folder
    names = _names_in_params()
    if model in names:
        raise FakefacesError(f"{model}: not trained yet; train it with: dvc repro train@{model}")
    if _VERSION.fullmatch(model):
        return f"models:/{registered_name()}/{model.removeprefix('v')}"
    return _registered_or_logged(model, names)


def run_of(name: str) -> "RunRecord":
    """The run that a model was trained by, or that an id or its beginning names.

    Raises:
        FakefacesError: there is no such run.
    """
    from fakefaces.registry.store import resolve_run
    from fakefaces.tracking.store import connect

    store, registered = connect(create=False), registered_name()
    if "/" not in (trained := as_promoted(name)):
        for run in store.search_runs("tags.role = 'train'"):  # the newest first
            if run.info.run_name == trained:
                return run
    name = re.sub(rf"^models:/{re.escape(registered)}[/@]", "", name)
    return resolve_run(store, name.removeprefix("v") if _VERSION.fullmatch(name) else name, registered)


def as_promoted(name: str) -> str:
    """The name of a trained model for its folder in ``outputs/models``; any other name as it is."""
    folder, models = Path(name).resolve(), Layout(environment.workspace()).model("_").parent
    if "/" in name and folder.is_dir() and folder.is_relative_to(models) and folder != models:
        return folder.relative_to(models).parts[0]
    return name


def complete_model(incomplete: str) -> list[str]:
    """What a shell offers for a model's name."""
    return [name for name in (CHAMPION, CHALLENGER, *_names_in_params()) if name.startswith(incomplete)]


def suggestion(name: str, known: Iterable[str]) -> str:
    """How a sentence about an unknown name ends: with the most similar one, where there is one."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else "."


def _trained(name: str) -> Path | None:
    """The detector of a model of the pipeline: with cross-validation that of the first fold."""
    if "/" in name:
        return None
    folder = Layout(environment.workspace()).model(name)
    return next((path for path in (folder, folder / "fold0") if (path / "detector.json").is_file()), None)


def _registered_or_logged(model: str, names: list[str]) -> str:
    """The URI of a version by another alias, or of the detector that a run logged."""
    from fakefaces.registry.store import Registry, resolve_run
    from fakefaces.tracking.store import connect

    registered, reason = registered_name(), ""
    try:
        aliases = [alias for version in Registry(registered, create=False).versions() for alias in version.aliases]
    except NoStoreError as error:  # models that are trained are known all the same
        aliases, reason = [], f". {error}"
    if model in aliases:
        return f"models:/{registered}@{model}"
    if _RUN_ID.fullmatch(model):
        run = resolve_run(connect(create=False), model, registered)
        logged = run.outputs.model_outputs if run.outputs else []
        if not logged:
            raise FakefacesError(f"{model}: the run {run.info.run_name} logged no detector; take one of a training")
        return f"models:/{logged[-1].model_id}"
    known = list(dict.fromkeys([CHAMPION, *aliases, *names]))
    raise FakefacesError(
        f"{model}: no such model{suggestion(model, known)} Known are {', '.join(known)}; or name a version's number, "
        f"a run's id, a models:/ URI, or a folder with a detector.json{reason}"
    )


def _names_in_params() -> list[str]:
    """The models of ``params.yaml``, of which nothing else is checked; none outside of a project."""
    try:
        content = yaml.safe_load((environment.workspace() / "params.yaml").read_text(encoding="utf-8"))
        return [str(name) for name in content["train"]["models"]]
    except (FakefacesError, OSError, UnicodeDecodeError, yaml.YAMLError, LookupError, TypeError):
        return []
