"""The statements by which a notebook told others of its classes and functions -> items that tell them again."""

from __future__ import annotations

import ast
import builtins
import os
import time
from abc import ABCMeta
from collections.abc import Iterator, Mapping
from types import ModuleType

from .bindings import Bindings
from .captured import Cell, Taken
from .item import Item
from .names import uses
from .texts import Text, parsed

_FOR_ALL = ("codecs.register", "codecs.register_error", "locale.setlocale", "mimetypes.add_type")
"""What these change is met by name or not at all, so no captured name shows whether it is needed."""
_FOR_USERS = ("calendar.setfirstweekday", "csv.register_dialect", "mimetypes.add_type")
"""Likewise, for who uses the module."""


def registrations(known: Bindings, taken: Mapping[str, Item]) -> Iterator[Item]:
    """`Sequence.register(Prices)`, `copyreg.pickle(Prices, …)`: calls of installed packages and of abstract classes
    that were given what the model takes along; and imports that only switch something on."""
    for cell in known.session.cells:
        for node in parsed(cell.text).body:
            if "time.tzset()" in ast.unparse(node) and not isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield _zone(known, cell)
            if _is_needed(known, node, taken):
                yield _again(known, node, cell)


def _zone(known: Bindings, cell: Cell) -> Item:
    """The local time zone that the notebook gave its process."""
    needs: set[str] = set()
    environ = f"{known.refer(needs, 'os', os)}.environ"
    zone = os.environ.get("TZ")
    set_ = f"{environ}.pop('TZ', None)" if zone is None else f"{environ}['TZ'] = {zone!r}"
    text = f"{set_}\n{known.refer(needs, 'time', time)}.tzset()"
    return Item("time.tzset()", text, Taken(f"the time zone {zone or 'of the system'}", "setting", cell.label), needs)


def _is_needed(known: Bindings, node: ast.stmt, taken: Mapping[str, Item]) -> bool:
    if isinstance(node, ast.ImportFrom):
        return _switches_on(node, known.modules.roots)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _registers(known, node.value, taken)


def _registers(known: Bindings, call: ast.Call, taken: Mapping[str, Item]) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    path = ast.unparse(call.func)
    names = uses(ast.unparse(call)).all
    if not names <= known.namespace.keys() | vars(builtins).keys():
        return False
    owner = known.namespace.get(path.partition(".")[0])
    if path in _FOR_ALL or (path in _FOR_USERS and path.partition(".")[0] in known.modules.roots):
        return True
    if not isinstance(owner, ModuleType | ABCMeta) or path.startswith("atexit."):
        return False
    ours = {name for name in names if name in taken and known.is_ours(known.namespace[name])}
    return bool(ours) and (call.func.attr.startswith("register") or path == "copyreg.pickle")


def _switches_on(node: ast.ImportFrom, roots: set[str]) -> bool:
    """`from sklearn.experimental import enable_iterative_imputer`."""
    module = node.module or ""
    return module.endswith(".experimental") and module.partition(".")[0] in roots


def _again(known: Bindings, node: ast.stmt, cell: Cell) -> Item:
    source = ast.get_source_segment(cell.text, node) or ast.unparse(node)
    item = known.item(source, source, Text(source, cell), "import" if isinstance(node, ast.ImportFrom) else "setting")
    item.needs = {name for name in item.needs | item.uses if name in known.namespace}
    return item
