"""Arrays that share their memory, which files of their own do not -> a refusal, where the model writes into one."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from .refusals import shared_memory
from .texts import parsed

_IN_PLACE = {"fill", "sort", "put", "itemset", "partition", "resize", "setfield", "byteswap", "setflags"}
_INTO = {"copyto", "put", "place", "putmask", "fill_diagonal", "shuffle", "at", "put_along_axis", "nan_to_num"}


def refuse_views(arrays: Iterable[tuple[str, Any]], texts: Iterable[str]) -> None:
    """Refuse two arrays that share memory, where the `texts` write into one of them; `.box` is one inside of box, which
    a text that writes into any attribute may mean."""
    written = {name for text in texts for node in ast.walk(parsed(text)) for name in _written(node)}
    if not written:
        return
    found = sorted(_bounds(arrays), key=lambda each: each[:2])
    for place, (_, end, name, array) in enumerate(found):
        for start, _, other, second in found[place + 1 :]:
            if start >= end:
                break
            if array is not second and _are_written(name, other, written) and _numpy().shares_memory(array, second):
                first, last = sorted((name, other), key=lambda each: (each.startswith("."), each))
                raise shared_memory(first, last.lstrip("."))


def _are_written(name: str, other: str, written: set[str]) -> bool:
    if name.startswith(".") and other.startswith("."):
        return False  # a package's own affair, mostly
    return bool(written & {name, other}) or ("." in written and "." in (name + other))


def _bounds(arrays: Iterable[tuple[str, Any]]) -> Iterator[tuple[int, int, str, Any]]:
    for name, array in arrays:
        if array.size:
            start = end = int(array.__array_interface__["data"][0])
            for length, stride in zip(array.shape, array.strides, strict=True):
                start, end = start + min(0, (length - 1) * stride), end + max(0, (length - 1) * stride)
            yield start, end + array.itemsize, name, array


def _numpy() -> Any:
    return sys.modules["numpy"]


def _written(node: ast.AST) -> Iterator[str]:
    """The names that a node writes into; `.` for an attribute of any object."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        targets = [node.value]
    elif isinstance(node, ast.AugAssign):
        targets = [node.target]
    elif isinstance(node, ast.Call):
        targets = [k.value for k in node.keywords if k.arg == "out"]
        if isinstance(node.func, ast.Attribute):
            targets += [node.func.value] * (node.func.attr in _IN_PLACE)
            targets += node.args[:1] * (node.func.attr in _INTO)
    for target in targets:
        while isinstance(target, ast.Subscript):
            target = target.value
        if isinstance(target, ast.Name):
            yield target.id
        elif isinstance(target, ast.Attribute):
            yield "."
