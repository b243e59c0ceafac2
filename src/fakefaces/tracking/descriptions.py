"""Descriptions: the text that MLflow's page of a run, an experiment or a registered version begins with."""

import hashlib
from collections.abc import Mapping

NOTE = "mlflow.note.content"  # MLflow's tag, in Markdown
DIGEST = "note.digest"  # of what fakefaces wrote, or is about to write: another description is a person's
LOGGED_AGAIN = (
    "Logged again from DVC's outputs. Its parameters are those of dvc.lock; the commit and the machine are those of "
    "the logging."
)
_OF_ROLES = {
    "pipeline": "One state of the project: its commit, parameters and data. Below it is a row for each model; its own "
    "metrics are those of the model that is best on validation.",
    "tune": "A study of Optuna. Each trial below it trains the same kind of model with other hyperparameters; those of "
    "the trial with the best ROC AUC on validation are what `tuned: best` trains with.",
    "trial": "One trial of the study: a short training with the hyperparameters under *Parameters*.",
    "train": "A training that was not evaluated yet: its metrics are those of its epochs, on the training and "
    "validation images.",
    "fold": "The training of one fold of the cross-validation; the metrics of all folds together are its parent's.",
    "seed": "The training by one seed; the metrics over all seeds are its parent's, whose model is the first seed's.",
    "evaluate": "The evaluation of a trained model: all its metrics, and the files that they were computed from.",
    "report": "The HTML page of the whole run (`index.html`) and the model card (`model_card.md`); below it are the "
    "charts of each model.",
    "watch": "A batch of scored photographs beside the training data, without labels: effect and corrected p value of "
    "each observable, and the page (`index.html`).",
    "pictures": "The charts of one model, under the same names for each, so that they stand side by side.",
}


def note_tags(text: str) -> dict[str, str]:
    """The tags that set a description."""
    return {NOTE: text, DIGEST: digest(text)}


def note_of_role(role: str) -> dict[str, str]:
    """The tags of a new run's description; none where the role has no description."""
    return note_tags(_OF_ROLES[role]) if role in _OF_ROLES else {}


def may_describe(tags: Mapping[str, str]) -> bool:
    """Whether a description is missing or ours, so that it may be written anew; a person's is left alone."""
    note = tags.get(NOTE, "")
    return not note.strip() or digest(note) in tags.get(DIGEST, "").split()


def digest(text: str) -> str:
    """Sixteen hexadecimal digits that identify a description."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
