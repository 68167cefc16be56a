"""What stands around captured code -> items of `model.py`, and what deployments and the clean process must look at."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from .bindings import Bindings, Patch
from .captured import Taken
from .changed import changed
from .environment import variables
from .imports import is_local
from .item import Item
from .literals import is_immutable, literal
from .names import chains
from .patches import is_needed, patches
from .registrations import registrations
from .settings import settings
from .texts import parsed

_OWN = {"sys", "os", "builtins", "tempfile", "__main__"}
"""Modules whose plain values are those of a process."""


class Surroundings:
    """Looks once at what the notebook changed in installed packages, and picks what the captured items may meet."""

    def __init__(self, known: Bindings) -> None:
        self._known = known
        self._patches = patches(known)
        known.patches += self._patches
        self._always = {"numpy", "pandas"}

    def items(self, taken: Mapping[str, Item]) -> list[Item]:
        """The items `__patches__` and `__settings__`, where there is something in them."""
        source = "\n".join(item.text for item in taken.values() if not item.name.startswith("__"))
        texts = [source, *self._known.modules.texts()]
        roots, words = self._known.modules.roots | self._always, set(re.findall(r"\w+", "\n".join(texts)))
        needed = [patch for patch in self._patches if is_needed(patch, roots, words)]
        needs: set[str] = set()
        refer = self._known.referring(needs)
        given = [f"    ({refer('owner', p.owner)}, {p.name!r}, {_expression(p, refer)})," for p in needed]
        set_ = settings(roots, "\n".join(texts), "\n".join(cell.text for cell in self._known.session.cells), refer)
        around = [f"    lambda: {expression}," for expression in set_.values()]
        tables = (("__patches__", given, [p.path for p in needed]), ("__settings__", around, list(set_)))
        named = [_table(name, rows, what, needs) for name, rows, what in tables if rows]
        return [*named, *registrations(self._known, taken)]

    def plain_values(self, taken: Mapping[str, Item]) -> dict[str, str]:
        """The plain values of installed modules that the items read, `math.pi`, as they are here."""
        patched = {patch.path for patch in self._patches}
        found: dict[str, str] = {}
        for item in taken.values():
            tree = parsed(item.text)
            for path, value in (*self._reached(tree), *_imported(tree)):
                if path not in patched and is_immutable(value) and (text := literal(value)):
                    found[path] = text
        return dict(sorted(found.items()))

    def _reached(self, tree: ast.AST) -> Iterator[tuple[str, Any]]:
        for root, paths in chains(tree).items():
            module = self._known.namespace.get(root)
            if isinstance(module, ModuleType):
                for path in paths:
                    yield from _followed(module, path.split(".")[1:])

    def changed(self) -> list[str]:
        """The keys of what cells changed in place in the packages that the model uses."""
        return changed(self._known, self._known.modules.roots | self._always)

    def variables(self, taken: Mapping[str, Item]) -> tuple[str, ...]:
        """The variables of the environment that the items and the local modules read, and that are set here."""
        texts = [*(item.text for item in taken.values()), *self._known.modules.texts()]
        found = {name for text in texts for name in variables(parsed(text), self._known.namespace)}
        return tuple(sorted(name for name in found if name in os.environ))


def _table(name: str, rows: list[str], what: list[str], needs: set[str]) -> Item:
    text = "\n".join([f"{name} = (", *rows, ")"])
    return Item(name, text, Taken(", ".join(what), "setting"), needs=set(needs))


def _expression(patch: Patch, refer: Any) -> str:
    value, hint = patch.value, patch.name
    if accessor := getattr(value, "_accessor", None):
        return f"{refer(type(value).__name__, type(value))}({hint!r}, {refer(hint, accessor)})"
    return str(refer(hint, value))


def _followed(module: ModuleType, parts: list[str]) -> Iterator[tuple[str, Any]]:
    value: Any = module
    for part in parts:
        if not isinstance(value, ModuleType) or value.__name__.partition(".")[0] in _OWN or is_local(value):
            return
        path, value = f"{value.__name__}:{part}", getattr(value, part, None)
        yield path.replace(":", "."), value


def _imported(tree: ast.AST) -> Iterator[tuple[str, Any]]:
    import sys

    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and isinstance(module := sys.modules.get(node.module or ""), ModuleType):
            for alias in node.names:
                yield from _followed(module, [alias.name])
