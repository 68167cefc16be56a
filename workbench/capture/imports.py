"""A name bound by an import -> the import line that binds it again; local modules told from installed packages."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from .captured import Cell, Session

_MISSING = object()
_BY_STRING = {"import_module", "__import__", "files", "get_data"}
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


class Imports:
    """The import statements that a notebook ran, newest first."""

    def __init__(self, session: Session) -> None:
        self._statements = [found for cell in reversed(session.cells) for found in _statements(cell)]

    def line(self, name: str, value: object) -> tuple[str, Cell | None] | None:
        """The import line that gives `name` the object `value`, or None: the one that ran, else the object's own."""
        for node, cell in self._statements:
            for alias in node.names:
                if text := _binds(node, alias, name, value):
                    return text, cell
        own = _own_line(name, value)
        return (own, None) if own else None

    def submodules(self, module: ModuleType, chains: set[str]) -> list[str]:
        """The modules below `module` that dotted paths of the source go through: `["sklearn.linear_model"]`."""
        return sorted({path for chain in chains for path in _modules_on(chain, module)})


def _statements(cell: Cell) -> Iterator[tuple[ast.Import | ast.ImportFrom, Cell]]:
    try:
        tree = ast.parse(cell.text)
    except SyntaxError:
        return
    for node in reversed(list(ast.walk(tree))):
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not node.level):
            yield node, cell


def _binds(node: ast.Import | ast.ImportFrom, alias: ast.alias, name: str, value: object) -> str | None:
    if isinstance(node, ast.Import):
        target = alias.asname or alias.name.split(".")[0]
        module = alias.name if alias.asname else target
        if target == name and sys.modules.get(module) is value:
            return f"import {module} as {name}" if alias.asname else f"import {module}"
        return None
    source = sys.modules.get(node.module or "")
    if alias.name == "*" or (alias.asname or alias.name) == name:
        attribute = name if alias.name == "*" else alias.name
        if _attribute(source, node.module or "", attribute) is value:
            return f"from {node.module} import {attribute}" + (f" as {name}" if attribute != name else "")
    return None


def _attribute(module: ModuleType | None, path: str, attribute: str) -> object:
    return getattr(module, attribute, sys.modules.get(f"{path}.{attribute}", _MISSING))


def _own_line(name: str, value: object) -> str | None:
    if isinstance(value, ModuleType):
        path = value.__name__
        if sys.modules.get(path) is not value:
            return None
        return f"import {path}" if path == name else f"import {path} as {name}"
    home, own_name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(home, str) or not isinstance(own_name, str) or home in ("__main__", "builtins"):
        return None
    if getattr(sys.modules.get(home), own_name, _MISSING) is not value:
        return None
    return f"from {home} import {own_name}" + (f" as {name}" if own_name != name else "")


def _modules_on(chain: str, module: ModuleType) -> Iterator[str]:
    path, current = module.__name__, module
    for part in chain.split(".")[1:]:
        path = f"{path}.{part}"
        below = getattr(current, part, None)
        if not isinstance(below, ModuleType) or sys.modules.get(path) is not below:
            return
        yield path
        current = below


@cache
def _installed_folders() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    return tuple({Path(paths[k]).resolve() for k in ("stdlib", "platstdlib", "purelib", "platlib")})


def is_local(module: ModuleType | None) -> bool:
    """Whether a module is the user's own source (beside the notebook, on the path), not an installed package."""
    if module is None or module.__name__.split(".")[0] in {"workbench", "__main__", "__mp_main__"}:
        return False
    places = [getattr(module, "__file__", None) or "", *map(str, getattr(module, "__path__", []))]
    files = [Path(p).resolve() for p in places if p]
    return bool(files) and not any(installed(f) for f in files)


def is_beside(module: ModuleType) -> bool:
    """Whether the top-level module of a module is local; quick, for who asks it of all modules at each capture."""
    root = sys.modules.get(module.__name__.partition(".")[0], module)
    return _is_file_beside(root.__name__, str(getattr(root, "__file__", "")))


def texts_beside() -> Iterator[str]:
    """The sources of all modules of the user's own that are loaded here, whether the model needs them or not."""
    for module in list(sys.modules.values()):
        file = Path(str(getattr(module, "__file__", None)))
        if isinstance(module, ModuleType) and file.suffix == ".py" and is_beside(module) and file.is_file():
            yield file.read_text(encoding="utf-8", errors="replace")


@cache
def _is_file_beside(root: str, file: str) -> bool:
    return "site-packages" not in file and is_local(sys.modules.get(root))


def installed(file: Path) -> bool:
    """Whether a file belongs to an installed package or to Python itself."""
    if {"site-packages", "dist-packages"} & set(file.parts) or file.suffix in {".so", ".pyd"}:
        return True
    return any(file.is_relative_to(folder) for folder in _installed_folders())


def find_module(path: str) -> ModuleType | None:
    """The module that an import of `path` gives here; imported already, or found without running it."""
    if path in sys.modules:
        return sys.modules[path]
    try:
        spec = importlib.util.find_spec(path)
    except (ImportError, ValueError, AttributeError):
        return None
    return importlib.util.module_from_spec(spec) if spec and spec.origin not in ("built-in", "frozen") else None


def imported_paths(tree: ast.AST, package: str = "") -> set[str]:
    """The dotted module paths that the imports of `tree` may load; `package` resolves relative ones."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        else:
            found |= {str(constant.value) for constant in modules_named(node)}
    return found


def modules_named(node: ast.AST) -> list[ast.Constant]:
    """The string by which a call imports a module or finds what lies beside it, `import_module("shop.prices")`."""
    if not isinstance(node, ast.Call) or called(node) not in _BY_STRING or not node.args:
        return []
    first = node.args[0]
    named = isinstance(first, ast.Constant) and isinstance(first.value, str) and _MODULE.fullmatch(first.value)
    return [first] if isinstance(first, ast.Constant) and named else []


def called(node: ast.Call) -> str:
    """The name of the function that is called, without what it is an attribute of."""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))
