"""The code of a registered model: what it imports, and nothing else, under a name of its own."""

import importlib.util
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from fakefaces.base.errors import ModelError
from fakefaces.inference.packing import import_closure, importable, imported_modules, pack
from fakefaces.tracking.detectors import MODEL_CODE, REQUIREMENTS

SOURCES = {
    "__init__.py": "raise RuntimeError('the package itself is not packed')\n",
    "entry.py": "from typing import TYPE_CHECKING\n\nfrom drawn.near import one\n\n"
    "if TYPE_CHECKING:\n    from drawn.typed import T\n\nVALUE = one()\n",
    "near/__init__.py": "from drawn.near.one import (\n    one,\n)\n",
    "near/one.py": "def one():\n    from drawn import far\n\n    return far.TWO - 1  # from drawn\n",
    "far.py": "TWO = 2\n",
    "typed.py": "T = int\n",
    "other.py": "from drawn import far\n",
}


def write_package(root: Path, **changed: str) -> Path:
    for name, text in (SOURCES | {f"{name}.py": text for name, text in changed.items()}).items():
        (root / "drawn" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "drawn" / name).write_text(text)
    return root / "drawn" / "entry.py"


def run(entry: Path) -> int:
    spec = importlib.util.spec_from_file_location("anything", entry)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.VALUE


def test_a_package_with_what_a_module_imports_runs_by_itself(tmp_path):
    packed = pack(write_package(tmp_path / "src"), tmp_path / "out")
    files = {path.relative_to(packed.package).as_posix() for path in packed.package.rglob("*.py")}
    assert files == {"__init__.py", "near/__init__.py", "near/one.py", "far.py"}
    assert re.fullmatch("drawn_inference_[0-9a-f]{8}", packed.package.name)
    assert "from drawn.typed" not in packed.entry.read_text()
    before = list(sys.path)
    with importable(packed):
        assert run(packed.entry) == 1
    assert sys.path == before
    assert not [name for name in sys.modules if name.startswith("drawn")]


def test_equal_sources_have_an_equal_name_wherever_they_lie_and_others_another(tmp_path):
    first = pack(write_package(tmp_path / "a"), tmp_path / "first")
    second = pack(write_package(tmp_path / "b", other="A = 1\n", typed="T = str\n"), tmp_path / "second")
    third = pack(write_package(tmp_path / "c", far="TWO = 3\n"), tmp_path / "third")
    assert first.package.name == second.package.name != third.package.name
    for path in first.package.rglob("*.py"):
        assert path.read_bytes() == (second.package / path.relative_to(first.package)).read_bytes()
    with importable(first), importable(third):
        assert (run(first.entry), run(third.entry), run(first.entry)) == (1, 2, 1)


def test_a_network_beside_a_module_goes_with_it_and_changes_the_name(tmp_path):
    entries = [write_package(tmp_path / name) for name in "abc"]
    for entry, data in zip(entries, (b"\0one", b"\0one", b"\0two"), strict=True):
        (entry.parent / "near" / "network.onnx").write_bytes(data)
        (entry.parent / "near" / "NOTICE").write_text("Theirs.")
        (entry.parent / "near" / "notes.txt").write_text("Ours.")
        (entry.parent / "elsewhere").mkdir()
        (entry.parent / "elsewhere" / "network.onnx").write_bytes(data)
    first, second, third = (pack(entry, entry.parents[1] / "out") for entry in entries)
    assert first.package.name == second.package.name != third.package.name
    others = {path.relative_to(first.package).as_posix() for path in first.package.rglob("*.*") if path.suffix != ".py"}
    assert others == {"near/network.onnx"}
    assert (first.package / "near" / "network.onnx").read_bytes() == b"\0one"
    assert (first.package / "near" / "NOTICE").is_file()


@pytest.mark.parametrize(
    "source",
    ["import drawn.far\n", "from . import far\n", "from  drawn import far\n", "from \\\n    drawn import far\n"],
)
def test_imports_that_cannot_be_renamed_are_refused(tmp_path, source):
    entry = write_package(tmp_path / "src", entry=source)
    with pytest.raises(ModelError, match=r"entry.py: it cannot be packed; .*from drawn.module import name"):
        pack(entry, tmp_path / "out")


def test_a_registered_model_carries_what_inference_imports_and_nothing_else():
    packed = {path.parent.name for path in import_closure(MODEL_CODE)}
    rooms = {"base", "data", "faces", "features", "graphs", "inference", "params", "serving"}
    assert packed == rooms | {"networks", "residuals"}
    names = {path.name for path in import_closure(MODEL_CODE)}
    assert {"detector.py", "extract.py", "graph.py", "images.py"} <= names
    assert not names & {"stage.py", "progress.py", "environment.py", "splits.py", "packing.py", "score_cache.py"}


def test_its_requirements_are_the_distributions_that_its_code_imports():
    modules = {name for path in import_closure(MODEL_CODE) for name in imported_modules(path.read_text())}
    libraries = {name.split(".")[0] for name in modules} - sys.stdlib_module_names - {"fakefaces"}
    known = packages_distributions()
    distributions = {name.lower() for library in libraries - {"mlflow"} for name in known[library]}
    # mlflow.pyfunc needs pandas, which mlflow-skinny does not require
    assert set(REQUIREMENTS) == distributions | {"mlflow-skinny", "pandas"}
    assert list(REQUIREMENTS) == sorted(REQUIREMENTS)
