"""What a statement does that comes out otherwise in each process, since text has another hash in each."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

_ORDERS = {"list", "tuple", "enumerate", "iter", "zip", "map", "filter", "join"}
_ANY_ORDER = {
    "isin",
    "set",
    "frozenset",
    "sorted",
    "len",
    "sum",
    "max",
    "min",
    "any",
    "all",
    "union",
    "difference",
    "update",
}


def hashed_by_process(tree: ast.AST) -> int | None:
    """The line that uses `hash`; one in a `__hash__` is right."""
    if isinstance(tree, ast.FunctionDef) and tree.name == "__hash__":
        return None
    if isinstance(tree, ast.Name) and tree.id == "hash" and isinstance(tree.ctx, ast.Load):
        return tree.lineno
    return next(filter(None, map(hashed_by_process, ast.iter_child_nodes(tree))), None)


def ordered_set(tree: ast.AST, namespace: Mapping[str, Any]) -> tuple[int, str] | None:
    """The line that puts a set of text of the notebook in an order, and the set's name: `list(TAGS)`, `"|".join(TAGS)`,
    `[f(t) for t in TAGS]`; not where what takes it asks for no order, as `isin` and `sorted` do."""
    if isinstance(tree, ast.Call):
        if _called(tree.func) in _ANY_ORDER:
            return None
        given = _first(tree) if _called(tree.func) in _ORDERS else None
    else:
        given = tree.generators[0].iter if isinstance(tree, ast.ListComp) else None
    if isinstance(given, ast.Name) and _is_set_of_text(namespace.get(given.id)):
        return given.lineno, given.id
    parts = (ordered_set(node, namespace) for node in ast.iter_child_nodes(tree))
    return next(filter(None, parts), None)


def _first(call: ast.Call) -> ast.expr | None:
    """What is put in an order; of `"".join(f(t) for t in TAGS)` the set that is gone through."""
    given = next((arg for arg in call.args if isinstance(arg, ast.Name | ast.GeneratorExp)), None)
    return given.generators[0].iter if isinstance(given, ast.GeneratorExp) else given


def _called(function: ast.expr) -> str:
    return getattr(function, "id", "") or getattr(function, "attr", "")


def _is_set_of_text(value: Any) -> bool:
    """Sets of whole numbers have the same order everywhere, and of one value there is one."""
    return type(value) in (set, frozenset) and len(value) > 1 and not all(isinstance(one, int) for one in value)
