"""Source -> the variables of the environment that it reads, by name; their values are never kept."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..spawn.environment import clean

_READERS = ("get", "pop", "setdefault", "__getitem__", "__contains__")
ENVIRONMENT = frozenset({"os.environ", "os.getenv", "environ", "getenv"})
"""How source says that it reads the environment."""
_SHORTEST = 6
"""Shorter values are too common to be told from other text."""


def variables(tree: ast.AST, namespace: Mapping[str, Any]) -> set[str]:
    """The names that `os.environ[…]`, `os.environ.get(…)`, `os.getenv(…)` and `… in os.environ` ask for."""
    return {name for node in ast.walk(tree) for key in _keys(node, namespace) if (name := _text(key, namespace))}


def is_named(tree: ast.AST, namespace: Mapping[str, Any]) -> bool:
    """Whether all that is read of the environment are variables by their names, which are set here."""
    nodes = list(ast.walk(tree))
    both = ((os.environ, "environ"), (os.getenv, "getenv"))
    reads = [node for node in nodes if any(_is(node, thing, word, namespace) for thing, word in both)]
    named = [_text(key, namespace) for node in nodes for key in _keys(node, namespace)]
    return len(named) >= len(reads) and all(name is not None and name in os.environ for name in named)


def _keys(node: ast.AST, namespace: Mapping[str, Any]) -> Iterator[ast.expr]:
    if isinstance(node, ast.Subscript) and _is(node.value, os.environ, "environ", namespace):
        if isinstance(node.ctx, ast.Load):
            yield node.slice
    elif isinstance(node, ast.Compare) and _is(node.comparators[0], os.environ, "environ", namespace):
        yield node.left
    elif isinstance(node, ast.Call) and node.args:
        called = node.func
        reads = isinstance(called, ast.Attribute) and called.attr in _READERS
        if _is(called, os.getenv, "getenv", namespace) or (
            reads and _is(called.value, os.environ, "environ", namespace)  # type: ignore[attr-defined]
        ):
            yield node.args[0]


def _is(node: ast.AST, thing: object, word: str, namespace: Mapping[str, Any]) -> bool:
    if isinstance(node, ast.Name):
        return namespace.get(node.id) is thing or node.id == word
    return isinstance(node, ast.Attribute) and node.attr == word


def _text(key: ast.expr, namespace: Mapping[str, Any]) -> str | None:
    value = key.value if isinstance(key, ast.Constant) else namespace.get(getattr(key, "id", ""))
    return value if isinstance(value, str) else None


def bound_here(tree: ast.AST, namespace: Mapping[str, Any]) -> set[str]:
    """The variables that source sets itself, which are no secrets of its environment."""
    stores = (n for n in ast.walk(tree) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store))
    keys = (n.slice for n in stores if _is(n.value, os.environ, "environ", namespace))
    return {name for key in keys if (name := _text(key, namespace))}


def values(names: Iterable[str]) -> dict[str, bytes]:
    """What these variables hold here, where it is long enough to be known again, and not what every program gets."""
    held = {name: os.environ.get(name, "") for name in set(names) - clean().keys()}
    return {name: value.encode() for name, value in held.items() if len(value) >= _SHORTEST}
