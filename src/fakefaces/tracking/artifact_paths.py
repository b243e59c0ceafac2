"""Artifact paths after a move: MLflow stores them absolute (https://github.com/mlflow/mlflow/issues/3144)."""

from pathlib import Path
from urllib.parse import unquote, urlparse

from fakefaces.base import environment

_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def moved_from(location: str) -> str | None:
    """``location``, the artifacts' in the store, if they were moved together with a sqlite store; else None."""
    root = environment.artifacts_root()
    if root is None or not environment.tracking_uri().startswith("sqlite:"):
        return None
    old, new = local_path(location), local_path(root)
    return location if old and new and old != new and new.is_dir() else None


def relocate(old: str, store: str | None = None) -> int:
    """Make every path below an old location lead to the present one; return the number of changed paths.

    ``store`` is the URI of the sqlite file to change; None for the project's.
    """
    from sqlalchemy import create_engine, text

    changed = 0
    values = {"new": environment.artifacts_root(), "rest": len(old) + 1, "n": len(old), "old": old}
    engine = create_engine(store or environment.tracking_uri())
    with engine.begin() as connection:
        for table, column in _COLUMNS:
            update = f"{column} = :new || substr({column}, :rest) WHERE substr({column}, 1, :n) = :old"
            changed += connection.execute(text(f"UPDATE {table} SET {update}"), values).rowcount
    engine.dispose()
    return changed


def local_path(uri: str) -> Path | None:
    """The path of a ``file:`` URI or a plain path; None for a location that is not on this machine."""
    parts = urlparse(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(uri) if not parts.scheme else None
