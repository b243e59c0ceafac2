"""What MLflow keeps of a photograph: rows of tables, pages and pictures, the example of a model's input."""

import base64
import binascii
import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fakefaces.base import environment
from fakefaces.base.errors import TrackingError
from fakefaces.base.files import read_json, write_json
from fakefaces.inference.kept_examples import FOLDER as KEPT_EXAMPLES
from fakefaces.inference.kept_examples import SCORES
from fakefaces.maintenance.forgetting.photographs import Marks
from fakefaces.maintenance.forgetting.removal import Removal, of_file, of_rows, shown
from fakefaces.tracking.artifact_paths import local_path
from fakefaces.tracking.evaluations import TRAINING_IMAGES
from fakefaces.tracking.store import Store, all_pages

if TYPE_CHECKING:
    from mlflow.entities import Run as RunRecord

# They show photographs without naming them: the report, examples of augmentation, feature maps.
_PICTURES = ("index.html", "augmentations.png", "*_feature_maps.png")
_EXAMPLES = ("input_example.json", "serving_input_example.json")
_PICTURE = (".png", ".jpg", ".jpeg", ".webp", "")
_TEXT = (".json", ".html", ".md", ".jsonl", ".svg")


@dataclass(frozen=True)
class Learned:
    """The runs and models that know a photograph."""

    runs: tuple[str, ...]  # ids of all runs on a state of data/ that held it: their bytes cannot be made again
    models: tuple[str, ...]  # names of the models that were trained, or chosen, by it
    versions: tuple[int, ...]  # of the registered model


def learned(store: Store, name: str, states: Collection[str], marks: Marks) -> Learned:
    """Which runs used the states of ``data/`` that held a photograph, and which models learned from it.

    Args:
        store: of the project.
        name: of the registered model.
        states: DVC's digests of the states of ``data/``.
        marks: of the photographs.
    """
    sha256s = {p.sha256 for p in marks.photographs}
    runs = [run for run in store.search_runs("", deleted=True) if run.data.tags.get("data.digest") in states]
    digests, models = set[str](), set[str]()
    for run in runs:
        if sha256s & _training_images(store, run):
            digests.add(run.data.tags.get("model.digest", ""))
            models.add(run.data.params.get("model", run.info.run_name))
    trained = {run.info.run_id for run in runs if run.data.tags.get("role") == "train"}
    evaluated = {run.data.params.get("model") for run in runs if run.data.tags.get("model.digest")}
    # One that was never evaluated has no record of its images: whatever was trained on this data may have learned it.
    unknown = [r for r in runs if r.info.run_id in trained and r.data.params.get("model") not in evaluated]
    models |= {run.data.params.get("model", run.info.run_name) for run in unknown}
    search = store.client.search_model_versions
    versions = all_pages(lambda token: search(f"name = '{name}'", 100, page_token=token))
    known = {run.info.run_id for run in unknown}
    numbers = sorted(int(v.version) for v in versions if v.tags.get("digest") in digests or v.run_id in known)
    return Learned(tuple(sorted(run.info.run_id for run in runs)), tuple(sorted(models)), tuple(numbers))


def artifacts_folder() -> Path | None:
    """The folder of all artifacts; None where they are not on this machine."""
    folder = local_path(environment.artifacts_root() or "none:")
    return folder if folder and folder.is_dir() else None


def removals(folder: Path, root: Path, runs: Collection[str], marks: Marks) -> Iterator[Removal]:
    """What is removed from the artifacts.

    Args:
        folder: of all artifacts.
        root: the project's folder.
        runs: ids of the runs on data that held a photograph.
        marks: of the photographs.

    The lists of the images that models learned from stay, as they are how one tells which models did.
    """
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name == TRAINING_IMAGES:
            continue
        if path.parent.name == KEPT_EXAMPLES and path.name == SCORES:
            if marks.in_text(path.read_bytes()):
                yield Removal("MLflow", f"{shown(path, root)}: its scores", partial(_drop_scores, path, marks))
            continue
        shows = any(path.match(pattern) for pattern in _PICTURES) and set(path.parts) & set(runs)
        example = path.name in _EXAMPLES and _is_example(path, marks)
        named = path.suffix in _TEXT and marks.in_text(path.read_bytes())
        if shows or example or named or (path.suffix in _PICTURE and _is_one(path, marks)):
            yield of_file("MLflow", path, root)
        elif path.suffix == ".csv" and (rows := of_rows("MLflow", path, root, marks)):
            yield rows


def _training_images(store: Store, run: "RunRecord") -> set[str]:
    if not run.data.tags.get("model.digest"):
        return set()
    try:
        with store.artifacts(run.info.run_id, TRAINING_IMAGES) as path:
            return set(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError, TrackingError):
        return set()


def _is_one(path: Path, marks: Marks) -> bool:
    """Whether a file was made of one of the photographs, by its name, or has the content of one."""
    if marks.in_name(path) or path.name in marks.cells:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() in {p.sha256 for p in marks.photographs}


def _drop_scores(path: Path, marks: Marks) -> None:
    """Write the scores of a version's kept examples without those of the photographs."""
    scores = read_json(path)
    write_json(path, {name: score for name, score in scores.items() if name not in marks.cells})


def _is_example(path: Path, marks: Marks) -> bool:
    """Whether a model's example is one of the photographs, as base64."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        texts = value["inputs"] if isinstance(value, dict) else value
        digests = {hashlib.sha256(base64.b64decode(text)).hexdigest() for text in texts}
    except (OSError, ValueError, LookupError, TypeError, binascii.Error):
        return False
    return bool(digests & {p.sha256 for p in marks.photographs})
