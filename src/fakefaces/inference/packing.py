"""The code that a registered model carries: a module and what it imports of its package, under a name of its own.

Networks (``.onnx``) that lie beside such a module, and the NOTICE of their origin, go with it.

The name holds a digest of the code. So one process can load several versions of the model, beside each other and beside
an installed fakefaces: none imports another's code.
"""

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fakefaces.base.errors import ModelError

_INIT = "__init__.py"
_COMPANIONS = ("*.onnx", "NOTICE")
# A package's own ``__init__.py`` may set environment variables, which is up to whoever loads the model.
_PACKED_INIT = '"""Code that a registered model imports."""\n'


@dataclass(frozen=True)
class PackedCode:
    """Code that imports nothing of the package that it was copied from."""

    package: Path  # the folder of the new package
    entry: Path  # the module that imports it


def pack(entry: Path, target: Path) -> PackedCode:
    """Copy a module, and what it imports of its own package, to a folder.

    Args:
        entry: a source file in a package.
        target: where the new package's folder and the entry, under its own file name, are written.

    Returns:
        What was written. Equal sources give equal bytes and an equal name.

    Raises:
        ModelError: a module imports its package in a way that cannot be renamed.
    """
    root = _outermost_package(entry)
    sources = {path.relative_to(root): path.read_text(encoding="utf-8") for path in import_closure(entry)}
    companions = {path.relative_to(root): path.read_bytes() for path in _companions(root, sources)}
    digest = hashlib.sha256()
    for path, source in sources.items():
        digest.update(f"\n{path.as_posix()} {len(source)}\n{source}".encode())
    for path, data in companions.items():
        digest.update(f"\n{path.as_posix()} {len(data)}\n".encode() + data)
    name = f"{root.name}_inference_{digest.hexdigest()[:8]}"
    packed = PackedCode(target / name, target / entry.name)
    _write(packed.package / _INIT, _PACKED_INIT)
    for path, source in sources.items():
        copy = packed.entry if root / path == entry else packed.package / path
        _write(copy, _renamed(source, root.name, name, root / path))
    for path, data in companions.items():
        (packed.package / path).write_bytes(data)
    return packed


def import_closure(entry: Path) -> list[Path]:
    """The source files that a module needs of its own package, sorted, itself among them.

    Imports within functions count, those for type checkers do not. The ``__init__.py`` of the outermost package is left
    out.
    """
    root = _outermost_package(entry)
    reached: set[Path] = set()
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            imported = imported_modules(path.read_text(encoding="utf-8"))
            waiting += [file for module in imported for file in _files(root, module)]
    return sorted(reached)


def imported_modules(source: str) -> set[str]:
    """The names that a module's source imports; of ``from a import b`` both ``a`` and ``a.b``, which may be no module.

    Imports within functions count, those for type checkers do not.
    """
    names: set[str] = set()
    for node in _executed(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@contextmanager
def importable(code: PackedCode) -> Iterator[None]:
    """Let the entry be executed in this process, and leave no trace of its package."""
    folder = str(code.package.parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        for name in [name for name in sys.modules if name.split(".")[0] == code.package.name]:
            del sys.modules[name]


def _outermost_package(entry: Path) -> Path:
    folder = entry.parent
    while (folder.parent / _INIT).is_file():
        folder = folder.parent
    return folder


def _companions(root: Path, sources: Iterable[Path]) -> list[Path]:
    folders = sorted({(root / path).parent for path in sources})
    return [path for folder in folders for pattern in _COMPANIONS for path in sorted(folder.glob(pattern))]


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


def _files(root: Path, module: str) -> list[Path]:
    """The source files of a module below a package, and of the packages around it; none of another package's."""
    package, *inner = module.split(".")
    if package != root.name or not inner:
        return []
    folders = [root.joinpath(*inner[:k]) for k in range(1, len(inner) + 1)]
    files = [*(folder / _INIT for folder in folders), folders[-1].with_suffix(".py")]
    return [file for file in files if file.is_file()]


def _renamed(source: str, package: str, name: str, path: Path) -> str:
    """A module's source that imports its package by another name, and is otherwise as it was."""
    lines, tree = source.split("\n"), ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == package:
            lines[node.lineno - 1] = lines[node.lineno - 1].replace(f"from {package}", f"from {name}", 1)
            node.module = name + node.module.removeprefix(package)
    renamed = "\n".join(lines)
    # ``import package.module`` binds the old name; what was renamed in the text must be what was renamed in the tree.
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    relative = any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))
    bound = package in {module.split(".")[0] for module in plain}
    if relative or bound or ast.dump(ast.parse(renamed)) != ast.dump(tree):
        raise ModelError(f"{path}: it cannot be packed; write its imports as: from {package}.module import name")
    return renamed


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
