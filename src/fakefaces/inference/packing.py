"""The code that a registered model carries: what inference imports of this package, under a name of its own.

The name holds a digest of the code. So one process can load several versions of the model, beside each other and beside
an installed fakefaces: none imports another's code.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fakefaces
from fakefaces.base.errors import ModelError

_PACKAGE = fakefaces.__name__
_ROOT = Path(fakefaces.__file__).parent
_INIT = "__init__.py"
# The package's own ``__init__.py`` sets environment variables, which is up to whoever loads the model.
_PACKED_INIT = f'"""The inference code of {_PACKAGE}, packed with a registered model."""\n'


@dataclass(frozen=True)
class PackedCode:
    """Code that depends on no installed fakefaces."""

    package: Path  # the folder of the package
    entry: Path  # the module that imports it


def pack(entry: Path, target: Path) -> PackedCode:
    """Write a module of this package, and the modules that it imports, to a folder.

    Args:
        entry: a source file below this package.
        target: where the package's folder and the entry, under its own file name, are written.

    Returns:
        What was written. Equal sources give equal bytes and an equal name.

    Raises:
        ModelError: a module imports this package in a way that cannot be renamed.
    """
    sources = {path: path.read_text(encoding="utf-8") for path in import_closure(entry)}
    digest = hashlib.sha256()
    for path, source in sources.items():
        digest.update(f"\n{path.relative_to(_ROOT).as_posix()} {len(source)}\n{source}".encode())
    name = f"{_PACKAGE}_inference_{digest.hexdigest()[:8]}"
    package = target / name
    package.mkdir(parents=True)
    (package / _INIT).write_text(_PACKED_INIT, encoding="utf-8", newline="\n")
    for path, source in sources.items():
        copy = target / entry.name if path == entry else package / path.relative_to(_ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(_renamed(source, name, path), encoding="utf-8", newline="\n")
    return PackedCode(package, target / entry.name)


def import_closure(entry: Path) -> list[Path]:
    """The source files that a module of this package needs, sorted, itself among them.

    Imports within functions count, those for type checkers do not. The package's own ``__init__.py`` is left out.
    """
    reached: set[Path] = set()
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            tree = ast.parse(path.read_text(encoding="utf-8"))
            waiting += [file for module in _imported_modules(tree) for file in _files(module)]
    return sorted(reached)


@contextmanager
def importable(code: PackedCode) -> Iterator[None]:
    """Let the entry be executed in this process, and leave no trace of its package."""
    sys.path.insert(0, str(code.package.parent))
    try:
        yield
    finally:
        sys.path.remove(str(code.package.parent))
        for name in [name for name in sys.modules if name.split(".")[0] == code.package.name]:
            del sys.modules[name]


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module, without those that only a type checker reads."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def _imported_modules(tree: ast.AST) -> set[str]:
    """The names that a module imports; of ``from a import b`` both ``a`` and ``a.b``, which may be no module."""
    names: set[str] = set()
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _files(module: str) -> list[Path]:
    """The source files of a module of this package and of the packages around it; none for other names."""
    package, *inner = module.split(".")
    if package != _PACKAGE:
        return []
    folders = [_ROOT.joinpath(*inner[:k]) for k in range(1, len(inner) + 1)]
    files = [folder / _INIT for folder in folders]
    files += [folders[-1].with_suffix(".py")] if folders else []
    return [file for file in files if file.is_file()]


def _renamed(source: str, name: str, path: Path) -> str:
    """A module's source that imports the package by another name, and is otherwise as it was."""
    lines = source.split("\n")
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == _PACKAGE:
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = line.replace(f"from {_PACKAGE}", f"from {name}", 1)
            node.module = name + node.module.removeprefix(_PACKAGE)
    renamed = "\n".join(lines)
    # What was replaced in the text must be what was renamed in the tree; ``import fakefaces.x`` binds the old name.
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    if _PACKAGE in {module.split(".")[0] for module in plain} or ast.dump(ast.parse(renamed)) != ast.dump(tree):
        raise ModelError(f"{path}: it cannot be packed; write its imports as: from {_PACKAGE}.x import y")
    return renamed
