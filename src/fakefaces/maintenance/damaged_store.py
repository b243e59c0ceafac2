"""A store whose file is broken: found by sqlite itself before MLflow opens it, and replaced by an empty one."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

from fakefaces.base import environment, sqlite
from fakefaces.maintenance.check_result import CheckResult
from fakefaces.tracking.store import connect

_SQLITE = "sqlite:///"


def damaged_file(uri: str) -> CheckResult | None:
    """What is wrong with the file of a sqlite store, with its repair; None where it is whole, or no such file.

    The repair puts the file aside, where it stays, and creates an empty store, into which the doctor then logs again.
    """
    path = Path(uri.removeprefix(_SQLITE))
    if not uri.startswith(_SQLITE) or not path.is_file() or not (damage := _damage(path)):
        return None
    if not _is_store(path):
        advice = "correct MLFLOW_TRACKING_URI: nothing beside it says that it was a store of this project"
        return CheckResult("store", f"{path} is no database that can be read ({damage})", "error", advice=advice)
    names = (path.with_name(f"{path.name}.damaged{k}") for k in range(1, 1000))
    aside = next(name for name in names if not name.exists())
    text, repair = f"{path} is damaged ({damage})", f"move it to {aside.name}, and create an empty one"
    return CheckResult("store", text, "error", partial(_replace, path, aside), repair, "restore it from a backup")


def _is_store(path: Path) -> bool:
    """Whether a file that cannot be read any more was a store: the project's own, or one with artifacts beside it."""
    own = environment.store_root() / "mlruns" / "mlflow.db"
    return path == own or (path.parent / "artifacts").is_dir()


def _damage(path: Path) -> str:
    """The first fault that sqlite's own check names; empty where there is none."""
    try:
        with closing(sqlite.open_file(path)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        answer = str(error)
        if not any(part in answer for part in ("not a database", "malformed")):
            return ""  # such as a lock, which is no damage
    return "" if answer == "ok" else " ".join(str(answer).split())[:200]


def _replace(path: Path, aside: Path) -> None:
    path.rename(aside)
    connect()
