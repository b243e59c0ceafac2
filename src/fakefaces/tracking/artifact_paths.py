"""Paths of artifacts after a move: MLflow keeps them absolute, so a moved or copied project leaves them behind.

https://github.com/mlflow/mlflow/issues/3144
"""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from fakefaces.base import environment

_COLUMNS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}


def moved_from(mlflow: Any, experiment: str) -> str | None:
    """Where the store's artifacts lay before a sqlite file and they were moved together.

    Returns:
        The old location; None if nothing was moved, or only one of the two.
    """
    now = environment.artifacts_root()
    found = mlflow.get_experiment_by_name(experiment)
    if found is None or now is None or not environment.tracking_uri().startswith("sqlite:"):
        return None
    before, here = local_path(found.artifact_location), local_path(now)
    if before is None or here is None or before == here or not here.is_dir():
        return None
    return str(found.artifact_location)


def relink(old: str) -> int:
    """Let every path below an old location lead to the present one.

    Args:
        old: what :func:`moved_from` gave.

    Returns:
        How many were changed.
    """
    from sqlalchemy import create_engine, text

    now, changed = environment.artifacts_root(), 0
    engine = create_engine(environment.tracking_uri())
    with engine.begin() as connection:
        for table, columns in _COLUMNS.items():
            for column in columns:
                moved = f"{column} = :now || substr({column}, :rest) WHERE substr({column}, 1, :n) = :old"
                values = {"now": now, "rest": len(old) + 1, "n": len(old), "old": old}
                changed += connection.execute(text(f"UPDATE {table} SET {moved}"), values).rowcount
    engine.dispose()
    return changed


def local_path(uri: str) -> Path | None:
    """The path that a ``file:`` URI or a plain path names; None for what lies elsewhere."""
    parts = urlparse(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(uri) if not parts.scheme else None
