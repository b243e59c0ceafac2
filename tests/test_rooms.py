"""The rooms below src/fakefaces: one direction, and where Keras and MLflow may be imported."""

import ast
import re

from tests.conftest import ROOT
from tests.test_dvc_yaml import MODULES, executed, imported


def room(name: str) -> str:
    """``fakefaces.data.splits`` is in the room ``data``; all of ``syntheticfaces`` is one room."""
    package, *inner = name.split(".")
    return package if package != "fakefaces" or not inner else inner[0]


def arrows() -> dict[str, set[str]]:
    rooms: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        targets = {room(target) for target in imported(path)} - {room(name), "fakefaces"}
        rooms.setdefault(room(name), set()).update(targets)
    return rooms


def test_contributing_lists_the_rooms_on_floors_and_each_imports_lower_floors_only():
    floors: dict[str, int] = {}
    floor = 0
    for number, name in re.findall(r"^\| (\d*) ?\| `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE):
        floor = int(number or floor)
        floors[name] = floor
    rooms = {name: targets - {"syntheticfaces"} for name, targets in arrows().items()}
    assert set(floors) == set(rooms) - {"fakefaces", "syntheticfaces"}
    assert max(floors.values()) == 9
    wrong = {f"{name} -> {target}" for name in floors for target in rooms[name] if floors[target] >= floors[name]}
    assert not wrong


def test_the_drawn_faces_know_nothing_of_the_project_but_its_base():
    assert arrows()["syntheticfaces"] == {"base"}


def users_of(*libraries: str) -> set[str]:
    """The rooms that import one of these libraries anywhere, in functions too."""
    users = set()
    for name, path in MODULES.items():
        for node in executed(path):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            users |= {room(name) for imported_name in names if imported_name.split(".")[0] in libraries}
    return users


def test_inference_and_all_that_it_imports_know_neither_keras_nor_tensorflow():
    reached: set[str] = set()
    waiting = [name for name in MODULES if room(name) == "inference"]
    while waiting:
        if (name := waiting.pop()) not in reached:
            reached.add(name)
            waiting += imported(MODULES[name])
    assert len({room(name) for name in reached}) > 3
    assert not {room(name) for name in reached} & users_of("keras", "tensorflow")


def test_keras_lives_in_four_rooms():
    assert users_of("keras", "tensorflow") <= {"models", "training", "tuning", "explain"}


def test_only_five_rooms_speak_to_mlflow():
    # scoring: Spark runs the registered model through MLflow's own spark_udf
    assert users_of("mlflow") <= {"tracking", "registry", "leaderboard", "serving", "scoring"}
