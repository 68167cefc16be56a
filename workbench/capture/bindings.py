"""The live names of a session and those that `model.py` adds -> expressions and statements that refer to them."""

from __future__ import annotations

import ast
import builtins
import re
import types
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from types import FunctionType
from typing import Any, cast

from .captured import Cell, Kind, Session, Taken
from .environment import ENVIRONMENT, is_named
from .homes import homes
from .imports import Imports, imported_paths
from .item import Item
from .literals import is_immutable, literal
from .modules import Modules
from .names import bound, evaluated, reads_main, unknown_global, uses
from .refusals import by_hash, by_module, by_order, by_string
from .texts import Text, attribute, home_of, parsed
from .unsteady import hashed_by_process, ordered_set


@dataclass(frozen=True)
class Patch:
    """`owner`, an installed module or class, has `value` under `name` since the notebook gave it that."""

    owner: Any
    name: str
    value: Any

    @property
    def path(self) -> str:
        """`pandas.DataFrame.peek`."""
        if isinstance(self.owner, types.ModuleType):
            return f"{self.owner.__name__}.{self.name}"
        return f"{self.root}.{self.owner.__qualname__}.{self.name}"

    @property
    def root(self) -> str:
        home = self.owner.__name__ if isinstance(self.owner, types.ModuleType) else self.owner.__module__
        return str(home).partition(".")[0]

    def replaced(self, value: Any) -> bool:
        """Whether `value` is by its own account what the owner had under that name before."""
        inside = "" if isinstance(self.owner, types.ModuleType) else f"{self.owner.__qualname__}."
        said = (str(getattr(value, "__module__", "")).partition(".")[0], getattr(value, "__qualname__", ""))
        return value is not self.value and said == (self.root, f"{inside}{self.name}")


Refer = Callable[[str, Any], str]
"""Gives the expression of `model.py` that stands for a live object, under a hint of a name."""

_HISTORY = re.compile(r"_+(i+|i?\d+|oh|dh|ih)?|__\w+__|In|Out")
"""Names that the shell binds to whatever was typed and answered last."""


class Bindings:
    """What each name is bound to, in the notebook and in `model.py`; collects the modules met."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.modules = Modules()
        self.imports = Imports(session)
        self.homes = homes()
        self.made: dict[str, Any] = {}
        self.namespace: Mapping[str, Any] = ChainMap(self.made, cast("dict[str, Any]", session.namespace))
        self.cells: dict[int, tuple[str, FunctionType]] = {}
        """The closure cells that are bound already: by which expression, and of which function."""
        self.is_pickled: Callable[[object], bool] = lambda _: False
        """Whether a pickle holds an object already, so that it is no text."""
        self.patches: list[Patch] = []
        """What the notebook gave installed modules and classes."""
        self._makers: dict[str, str] = {}
        self._bound = _last_bindings(session)

    def cell(self, name: str) -> str:
        """The label of the cell that bound `name` last, or nothing."""
        found = self._bound.get(name)
        return found[0].label if found else ""

    def place(self, user: str, name: str = "") -> str:
        """Where `user` was bound last, and in which line of that cell it first speaks of `name`."""
        found = self._bound.get(user)
        if found is None or not found[0].label:
            return ""
        lines = [n.lineno for n in ast.walk(found[1]) if isinstance(n, ast.Name) and n.id == name]
        return f"{found[0].label}, line {min(lines) if lines else found[1].lineno}"

    def statement(self, name: str) -> tuple[str, Cell] | None:
        """The assignment that bound `name` last, if `name` is all that it binds."""
        cell, node = self._bound.get(name, (None, None))
        if cell is None or not isinstance(node, ast.Assign | ast.AnnAssign) or not node.value:
            return None
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if len(targets) != 1 or not isinstance(targets[0], ast.Name):
            return None
        return ast.get_source_segment(cell.text, node) or ast.unparse(node), cell

    def own_place(self, name: str, value: Any) -> str:
        """The statement that says where a function or class was made, if a cell asks: made again, it is elsewhere."""
        asked = any("__qualname__" in cell.text for cell in self.session.cells)
        return f"\n{name}.__qualname__ = {value.__qualname__!r}" if asked else ""

    def rebound_since(self, name: str, used: set[str]) -> str | None:
        """The first of the names `used` that a cell bound later than `name`."""
        order = {id(cell): i for i, cell in enumerate(self.session.cells)}

        def when(key: str) -> int:
            found = self._bound.get(key)
            return order.get(id(found[0]), -1) if found else -1

        return next((key for key in sorted(used) if when(key) > when(name)), None)

    def touched_since(self, name: str, since: str) -> str | None:
        """Where a statement that ran after the one of `since` bound `name` or may have changed its object."""
        found = self._bound.get(since)
        if found is None:
            return None
        begun = self.session.cells.index(found[0])
        later = [(found[0], n) for n in parsed(found[0].text).body if n.lineno > (found[1].end_lineno or 0)]
        later += [(cell, n) for cell in self.session.cells[begun + 1 :] for n in parsed(cell.text).body]
        for cell, statement in later:
            for node in ast.walk(statement):
                if _touches(node, name):
                    return f"{cell.label}, line {node.lineno}"  # type: ignore[attr-defined]
        return None

    def is_ours(self, value: object) -> bool:
        """Whether the notebook itself defined the class or function; `make_dataclass` says `types` of what it makes."""
        home = getattr(value, "__module__", None)
        if home == "types" and isinstance(value, type):
            return getattr(types, value.__qualname__, None) is not value
        return bool(home == self.session.namespace.get("__name__", "__main__"))

    def is_patch(self, value: object) -> bool:
        """Whether an installed module has this value, but for a module, only since the notebook set it."""
        return not isinstance(value, types.ModuleType) and any(value is patch.value for patch in self.patches)

    def runs_here(self, function: FunctionType) -> bool:
        """Whether the globals of a function are the notebook's."""
        return home_of(function) == self.session.namespace.get("__name__", "__main__")

    def make(self, hint: str, value: object) -> str:
        """A name of its own in `model.py` for an object that no global is bound to."""
        known = next((name for name, made in self.made.items() if made is value), None)
        name = known or self._free(f"_{hint.strip('_') or 'value'}")
        self.made[name] = value
        return name

    def _free(self, hint: str) -> str:
        taken = {*self._makers.values()}
        return next(n for n in (f"{hint}{i or ''}" for i in count()) if n not in self.namespace and n not in taken)

    def maker(self, own: str, text: str) -> tuple[str, str]:
        """The name of the factory that has this text below its `def NAME`, and its whole text."""
        name = self._makers.get(text) or self._free(f"_make_{own}")
        self._makers[text] = name
        return name, f"def {name}{text}"

    def name_of(self, value: object) -> str | None:
        """The global that is bound to this very object: the one of its own name first."""
        own = attribute(value, "__name__")
        if isinstance(own, str) and self.namespace.get(own) is value and not is_history(own):
            return own
        return next((n for n, held in self.namespace.items() if held is value and not is_history(n)), None)

    def refer(self, needs: set[str], hint: str, value: Any) -> str:
        """The expression for a live object: its text, or the name that it has or now gets, which is needed then."""
        if is_immutable(value) and (text := literal(value)) is not None:
            return text
        if isinstance(value, property):
            parts = [self.refer(needs, hint, f) if f else "None" for f in (value.fget, value.fset, value.fdel)]
            return f"property({', '.join(parts)})"
        if isinstance(value, classmethod | staticmethod):
            return f"{type(value).__name__}({self.refer(needs, hint, value.__func__)})"
        if path := self.path_of(value):
            root = path.partition(".")[0]
            needs |= {root} & self.namespace.keys()
            return path
        name = self.make(hint, value)
        needs.add(name)
        return name

    def referring(self, needs: set[str]) -> Refer:
        return partial(self.refer, needs)

    def path_of(self, value: Any) -> str | None:
        """`clf`, `Outer.Inner` or `int`: how `value` is reached by name, or None where it has no name."""
        if name := self.name_of(value):
            return name
        own = attribute(value, "__qualname__")
        if not isinstance(own, str):
            return None
        root, *rest = own.split(".")
        if not rest:
            return own if getattr(builtins, own, None) is value and own not in self.namespace else None
        live: Any = self.namespace.get(root)
        for part in rest:
            live = getattr(live, part, None) if isinstance(live, type) else None
        return own if live is value and self.is_ours(value) else None

    def item(self, name: str, source: str, text: Text, kind: Kind) -> Item:
        """The statement `source`, made of the text of a cell, with all that it uses."""
        found, tree = uses(source, future_annotations=text.future_annotations), ast.parse(source)
        if line := unknown_global(tree):
            raise by_string(name, self.label(name, text), source.splitlines()[line - 1].strip())
        if line := reads_main(tree):
            raise by_module(name, self.label(name, text), source.splitlines()[line - 1].strip())
        if "hash" not in self.namespace and (line := hashed_by_process(tree)):
            raise by_hash(name, self.label(name, text), source.splitlines()[line - 1].strip())
        if put := ordered_set(tree, self.namespace):
            raise by_order(name, put[1], self.label(name, text), source.splitlines()[put[0] - 1].strip())
        said = {*self.namespace, "__file__"}
        later = set(found.later) | ((found.strings | evaluated(tree, self.namespace)) & said)
        self.modules.follow(imported_paths(tree))
        taken = Taken(name, kind, self.label(name, text))
        needs = set(found.now) - {name}
        outside = found.outside - (ENVIRONMENT if is_named(tree, self.namespace) else set())
        return Item(name, source, taken, needs, later, text.future_annotations, outside=outside)

    def label(self, name: str, text: Text) -> str:
        return text.cell.label if text.cell.number is not None else self.cell(name)


def is_history(name: str) -> bool:
    """Whether the shell binds a name, to what was typed or answered."""
    return _HISTORY.fullmatch(name) is not None


def _last_bindings(session: Session) -> dict[str, tuple[Cell, ast.stmt]]:
    found: dict[str, tuple[Cell, ast.stmt]] = {}
    for cell in session.cells:
        for node in parsed(cell.text).body:
            found.update(dict.fromkeys(bound(node), (cell, node)))
    return found


def _touches(node: ast.AST, name: str) -> bool:
    """Whether a node binds a name, sets a part of its object, or calls a method of it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name == name
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return isinstance(node.func.value, ast.Name) and node.func.value.id == name
    if not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
        return False
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name) and node.id == name
