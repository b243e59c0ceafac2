"""dvc.yaml against the code: a stage's deps cover what its script imports, and one word names all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from fakefaces.models.kinds import kinds
from tests.conftest import ROOT

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def modules() -> dict[str, Path]:
    found = {}
    for path in (ROOT / "src").rglob("*.py"):
        parts = path.relative_to(ROOT / "src").with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
# run_stage starts them as processes: they decide whether a stage may start, and change nothing of what a stage makes
CHECKS = {"fakefaces.preflight", "fakefaces.ingest"}


def executed(path: Path) -> Iterator[ast.AST]:
    """The nodes of a file, without those that only a type checker reads."""
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def imported(path: Path) -> set[str]:
    """Modules of ours that a file imports anywhere, in functions too, with the packages they lie in."""
    names: set[str] = set()
    for node in executed(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in MODULES:
            names |= {node.value} - CHECKS  # started as a process: python -m fakefaces.models.export
    ours = {name for name in names if name in MODULES}
    return ours | {".".join(n.split(".")[:k]) for n in ours for k in range(1, n.count(".") + 1)}


def says_only_what_it_is(path: Path) -> bool:
    """A package's ``__init__.py`` that is one docstring changes nothing of any stage."""
    return path.name == "__init__.py" and all(isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body)


def closure(script: Path) -> set[Path]:
    seen: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += [MODULES[name] for name in imported(path)]
    return {path for path in seen if not says_only_what_it_is(path)}


def deps(stage: str) -> list[Path]:
    body = STAGES[stage].get("do", STAGES[stage])
    paths = [ROOT / dep.replace("${src}", "src/fakefaces") for dep in body["deps"]]
    return [path.with_name(kind) for path in paths for kind in (kinds() if ".kind}" in path.name else [path.name])]


@pytest.mark.parametrize("stage", STAGES)
def test_deps_cover_what_the_script_imports(stage):
    script = ROOT / "pipelines" / f"{stage}.py"
    named = deps(stage)
    missing = [
        str(path.relative_to(ROOT))
        for path in sorted(closure(script))
        if not any(path == dep or dep in path.parents for dep in named)
    ]
    assert not missing, f"dvc.yaml: {stage}: deps lack {missing}"


@pytest.mark.parametrize("stage", STAGES)
def test_deps_name_no_code_that_the_script_does_not_import(stage):
    needed = closure(ROOT / "pipelines" / f"{stage}.py")
    if ROOT / "src/fakefaces/models/kinds.py" in needed:
        needed |= set((ROOT / "src/fakefaces/models").rglob("*.py"))  # kinds are found by their names in params.yaml
    spare = [
        str(dep.relative_to(ROOT))
        for dep in deps(stage)
        if ("src" in dep.parts or dep.suffix == ".py") and not any(dep == p or dep in p.parents for p in needed)
    ]
    assert not spare


def stale(edited: str) -> set[str]:
    """The stages that an edit of a file or folder below src/fakefaces makes stale."""
    path = ROOT / "src/fakefaces" / edited
    assert path.exists()
    return {
        stage for stage in STAGES if any(dep in (path, *path.parents) or path in dep.parents for dep in deps(stage))
    }


@pytest.mark.parametrize("room", ["cli", "serving", "review", "maintenance", "ingest", "reporting/html"])
def test_what_people_look_at_makes_no_model_and_no_metric_stale(room):
    assert stale(room) <= {"report"}


def test_evaluation_retrains_and_rescores_nothing():
    # validate's outputs do not change by a comment, so what depends on them stays up to date
    assert stale("evaluation") <= {"validate", "evaluate", "explain", "report", "promote"}


def test_how_faces_are_found_decides_what_is_extracted_and_scored_and_no_metric():
    assert not stale("faces") & {"duplicates", "split", "tune", "evaluate"}


def test_training_leaves_what_comes_before_it_alone():
    assert stale("training") <= {"augment", "tune", "train"}


def test_a_kind_retrains_its_own_models_only():
    named = {stage: STAGES[stage].get("do", STAGES[stage])["deps"] for stage in ("tune", "train")}
    assert "${src}/models/${item.kind}" in named["train"]
    assert "${src}/models/${tune.kind}" in named["tune"]
    for dependencies in named.values():
        assert not {"${src}/models", *(f"${{src}}/models/{kind}" for kind in kinds())} & set(dependencies)
    assert stale("models/forensic") == {"tune", "train"}


def test_the_search_for_duplicates_depends_on_what_it_imports_only():
    rooms = {path.name for path in (ROOT / "src/fakefaces").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert {room for room in rooms if "duplicates" in stale(room)} <= {"base", "params", "data", "duplicates"}


@pytest.mark.parametrize("stage", STAGES)
def test_one_word_names_script_and_test(stage):
    assert (ROOT / "pipelines" / f"{stage}.py").is_file()
    assert (ROOT / "tests" / f"test_{stage}.py").is_file()
    body = STAGES[stage].get("do", STAGES[stage])
    assert body["cmd"].split()[:2] == ["pipelines/run", stage]


def outs(stage: str) -> Iterator[tuple[str, dict]]:
    """The outputs of a stage, with their options."""
    body = STAGES[stage].get("do", STAGES[stage])
    for entry in [out for kind in ("outs", "metrics", "plots") for out in body.get(kind, [])]:
        yield from entry.items() if isinstance(entry, dict) else [(entry, {})]


def test_trainings_can_come_from_the_run_cache():
    # which leaves out stages with an output that has `persist`: going back to earlier parameters would train again
    for stage in ("tune", "train"):
        assert not [path for path, options in outs(stage) if options.get("persist")]


@pytest.mark.parametrize("stage", sorted({*STAGES} - {"tune", "train"}))
def test_what_people_read_stays_until_its_successor_is_there(stage):
    removed = [path for path, options in outs(stage) if path.startswith("reports/") and not options.get("persist")]
    assert not removed, "DVC removes these before the stage starts, and a stage that fails leaves none"


def test_light_stages_never_reach_tensorflow():
    heavy = {"tensorflow", "keras"}
    for stage in ("duplicates", "split", "validate", "corrupt", "evaluate", "report", "promote"):
        for path in closure(ROOT / "pipelines" / f"{stage}.py"):
            if path.name == "pyfunc_model.py":
                continue  # MLflow's copy of the model's code
            top = {
                name.split(".")[0]
                for node in ast.parse(path.read_text()).body
                if isinstance(node, ast.Import | ast.ImportFrom)
                for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""])
            }
            assert not top & heavy, path


def test_the_parameters_of_the_public_set_are_complete():
    params = yaml.safe_load((ROOT / "docs" / "ciplab" / "params.yaml").read_text())
    for stage in STAGES.values():
        for key in stage.get("do", stage).get("params", []):
            value = params
            for name in key.partition(".${")[0].split("."):
                assert name in value, key  # or DVC ends with "Parameters ... are missing"
                value = value[name]
