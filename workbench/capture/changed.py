"""The text of cells -> objects of installed modules that it changes in place: `_SCORERS["mine"] = …`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from .bindings import Bindings
from .patches import is_installed
from .refusals import mocked
from .texts import attribute, parsed

_METHODS = {
    *("append", "extend", "insert", "remove", "pop", "clear", "update", "setdefault", "add", "discard"),
    *("popitem", "sort", "reverse", "appendleft", "extendleft", "move_to_end", "register", "push", "put"),
}
_LIKE = ("set_", "add_", "register_", "remove_")
_OWN = {"sys", "os", "builtins", "tempfile", "__main__", "logging", "warnings", "workbench"}
"""Modules that hold what a process has of its own."""
_SET_AGAIN = {"pandas:options"}
"""What `settings` sets again."""
_HELD = (dict, list, set)


def changed(known: Bindings, roots: set[str]) -> list[str]:
    """The keys, `module:path`, of what the cells may have changed in the packages that the model uses. Raises
    CaptureRefused for what unittest.mock has put into one."""
    _refuse_mocks(known, roots)
    found: set[str] = set()
    trees = [parsed(cell.text) for cell in known.session.cells]
    for base in (base for tree in trees for node in ast.walk(tree) for base in _changed(node)):
        if place := _place(known, base, known.namespace):
            module, path, value = place
            inside = path and not isinstance(value, type | ModuleType) and _of(module) in roots - _OWN
            found |= {f"{module}:{path}"} if inside else set()
    return sorted(found - _SET_AGAIN)


def _of(module: str) -> str:
    return module.partition(".")[0]


def _changed(node: ast.AST) -> Iterator[ast.expr]:
    """What a node changes a part of."""
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in _METHODS or node.func.attr.startswith(_LIKE):
            yield node.func.value
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target


def _place(known: Bindings, node: ast.expr, space: Mapping[str, Any]) -> tuple[str, str, Any] | None:
    """The installed module in which an expression begins, the path below it, and the first object that it meets."""
    if isinstance(node, ast.Subscript):
        return _place(known, node.value, space)
    if isinstance(node, ast.Name):
        return _named(known, space.get(node.id))
    base = _place(known, node.value, space) if isinstance(node, ast.Attribute) else None
    if base is None or not isinstance(base[2], ModuleType | type):
        return base
    value = attribute(base[2], node.attr)  # type: ignore[attr-defined]
    if isinstance(value, ModuleType):
        return _named(known, value)
    return base[0], f"{base[1]}.{node.attr}".strip("."), value  # type: ignore[attr-defined]


def _named(known: Bindings, value: Any) -> tuple[str, str, Any] | None:
    if isinstance(value, ModuleType):
        return (value.__name__, "", value) if is_installed(known, value.__name__, value) else None
    if isinstance(value, type):
        return None if known.is_ours(value) else (value.__module__, value.__qualname__, value)
    # held by the notebook, this frame and the call: what nothing else holds is the notebook's own
    if isinstance(value, _HELD) and sys.getrefcount(value) > 3:
        return next(((name, path, value) for name, path in _homes(known, value)), None)
    return None


def _homes(known: Bindings, value: Any) -> Iterator[tuple[str, str]]:
    """The installed modules that hold an object, and under which name."""
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and is_installed(known, name, module):
            yield from ((name, key) for key, held in list(vars(module).items()) if held is value)


def _refuse_mocks(known: Bindings, roots: Iterable[str]) -> None:
    mock = sys.modules.get("unittest.mock")
    for patch in getattr(getattr(mock, "_patch", None), "_active_patches", ()):
        if (held := getattr(patch, "in_dict", None)) is not None:
            place = next(_homes(known, held), None) if isinstance(held, dict) else None
            owner, name = place or ("", "")
        else:
            target = patch.getter()
            owner = target.__name__ if isinstance(target, ModuleType) else str(attribute(target, "__module__"))
            name = patch.attribute
        if _of(owner) in roots:
            raise mocked(f"{owner}.{name}")
