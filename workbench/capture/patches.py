"""What a notebook, or a module beside it, set on installed modules and classes -> who has it, and what it is."""

from __future__ import annotations

import ast
import gc
import inspect
import re
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from .bindings import Bindings, Patch
from .imports import is_beside
from .texts import parsed

_SHELL = (
    "IPython",
    "ipykernel",
    "traitlets",
    "comm",
    "zmq",
    "jupyter_client",
    "matplotlib_inline",
    "workbench",
    "pytest",
)
_ACCESSORS = ("Accessor", "CachedAccessor")


def patches(known: Bindings) -> list[Patch]:
    """All that is seen: objects of the notebook that installed modules and classes hold, and what its cells assigned
    to them."""
    found = {(id(p.owner), p.name): p for p in (*_held(known), *_assigned(known))}
    return sorted(found.values(), key=lambda patch: patch.path)


def is_needed(patch: Patch, roots: set[str], words: set[str]) -> bool:
    """Whether the model may meet it: its text says the name, or the package, which it uses, had that name before."""
    if patch.name in words:
        return True
    if patch.root not in roots:
        return False
    try:
        return re.search(rf"\b{re.escape(patch.name)}\b", inspect.getsource(patch.owner)) is not None
    except (OSError, TypeError):
        return True


def _held(known: Bindings) -> Iterator[Patch]:
    ours = _ours(known)
    seen: set[int] = set()
    for name, module in list(sys.modules.items()):
        content = getattr(module, "__dict__", None)
        if not isinstance(content, dict) or not is_installed(known, name, module):
            continue
        if not ours.isdisjoint(map(id, content.values())):
            yield from (Patch(module, key, value) for key, value in content.items() if id(value) in ours)
        for value in list(content.values()):
            if isinstance(value, type) and id(value) not in seen:
                seen.add(id(value))
                yield from _held_by(known, value, ours)


def _held_by(known: Bindings, cls: type, ours: set[int]) -> Iterator[Patch]:
    content = vars(cls)
    if ours.isdisjoint(map(id, content.values())) and not content.get("_accessors"):
        return
    if not known.is_ours(cls):
        for key, value in list(content.items()):
            accessor = getattr(value, "_accessor", None) if type(value).__name__ in _ACCESSORS else value
            if id(accessor) in ours:
                yield Patch(cls, key, value)


def _ours(known: Bindings) -> set[int]:
    """The functions and classes of the notebook and of the modules beside it, by identity."""
    local = [vars(m) for m in list(sys.modules.values()) if isinstance(m, ModuleType) and is_beside(m)]
    spaces = [*_notebooks(known), *local]
    names = {space.get("__name__") for space in spaces} - {None}
    functions = [f for f in _referrers(spaces) if isinstance(f, FunctionType)]
    classes = [c for s in spaces for c in s.values() if isinstance(c, type) and c.__module__ in names]
    return {id(thing) for thing in (*functions, *classes)}


def _referrers(things: list[Any]) -> list[Any]:
    """What refers to them; what `gc.freeze` put aside is looked at too, and put aside again."""
    frozen = gc.get_freeze_count() > 0
    gc.unfreeze()
    found = gc.get_referrers(*things)
    if frozen:
        gc.freeze()
    return found


def _notebooks(known: Bindings) -> list[Any]:
    """The globals of the notebook: what the session names, and what its functions run in."""
    namespace = known.session.namespace
    main = sys.modules.get(str(namespace.get("__name__", "__main__")))
    return [namespace, *([vars(main)] if main else [])]


def is_installed(known: Bindings, name: str, module: Any) -> bool:
    """Whether a module is of Python or of a package that is no part of the shell."""
    root = name.partition(".")[0]
    if root in ("__main__", "__mp_main__", *_SHELL) or root.startswith("wb_"):
        return False
    return vars(module) is not known.session.namespace and not is_beside(module)


def _assigned(known: Bindings) -> Iterator[Patch]:
    """`math.pi = 3`, `setattr(np, "x", y)`: what cells assign to an installed module or class, as it is now."""
    for cell in known.session.cells:
        for node in ast.walk(parsed(cell.text)):
            for owner, name in _targets(known, node):
                if name in vars(owner):
                    yield Patch(owner, name, vars(owner)[name])


def _targets(known: Bindings, node: ast.AST) -> Iterator[tuple[Any, str]]:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        owner, name = _owner(known, node.value), node.attr
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr":
        target, key = (*node.args, None, None)[:2]
        owner = _owner(known, target)
        name = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
    else:
        return
    if owner is not None and name:
        yield owner, name


def _owner(known: Bindings, node: ast.AST | None) -> Any:
    """The installed module or class that a dotted path leads to."""
    if isinstance(node, ast.Name):
        value = known.namespace.get(node.id)
    elif isinstance(node, ast.Attribute):
        value = getattr(_owner(known, node.value), node.attr, None)
    else:
        return None
    if isinstance(value, ModuleType):
        return value if is_installed(known, value.__name__, value) else None
    if isinstance(value, type) and not known.is_ours(value):
        home = sys.modules.get(value.__module__)
        return value if isinstance(home, ModuleType) and is_installed(known, value.__module__, home) else None
    return None
