"""The paths of files and modules that stand in a text as strings, and the text with other places for them."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from .imports import called, modules_named

_OF_FOLDERS = {"Path", "PosixPath", "PurePath", "join", "glob", "iglob", "listdir", "scandir", "walk", "rglob"}
_WRITERS = ("to_", "save", "dump", "write")
_PATTERN = re.compile(r"[*?[]")
_LONGEST = 1_000


@dataclass(frozen=True)
class Named:
    """A string of a text that may be a path: where it stands, in bytes; `folder` says that it may name a folder,
    `module` that it names a module to import. One that is `built`, f"data/{city}.csv", is the text of that expression,
    whose `value` is what it begins with, up to the last slash."""

    value: str
    start: int
    end: int
    folder: bool
    module: bool = False
    built: str = ""

    def leads_to(self, base: Path) -> Path:
        return Path(os.path.abspath(base / os.path.expanduser(self.value)))


def paths_in(text: str) -> list[Named]:
    """The strings of `text` that are passed, bound, joined or returned: not those that are compared or looked up.

    None for a text that is no Python, a template in a package say.
    """
    content = text.encode()
    try:
        tree = ast.parse(content)
    except SyntaxError:
        return []
    lines = [0, *accumulate(len(line) for line in content.splitlines(keepends=True))]
    found = []
    for node in ast.walk(tree):
        for part in _values(node):
            if (value := _begins(part)) and len(value) < _LONGEST and "\0" not in value:
                start = lines[part.lineno - 1] + part.col_offset
                end = lines[(part.end_lineno or 0) - 1] + (part.end_col_offset or 0)
                built = "" if value == getattr(part, "value", None) else content[start:end].decode()
                folder = bool(built) or _may_be_folder(node, value)
                found.append(Named(value, start, end, folder, part in modules_named(node), built))
    return found


def _begins(node: ast.expr) -> str | None:
    """A string as it is; of a pattern and of one that is put together, the folder that it begins with."""
    match node:
        case ast.Constant(value=str(value)):
            if not (pattern := _PATTERN.search(value)):
                return value
            value = value[: pattern.start()]
        case ast.JoinedStr(values=[ast.Constant(value=str(value)), *_]):
            pass
        case ast.BinOp(left=ast.Constant(value=str(value)), op=ast.Mod()):
            value = value.partition("%")[0]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(value)), attr="format")):
            value = value.partition("{")[0]
        case _:
            return None
    return value[: value.rfind("/") + 1]


def replaced(text: str, places: Mapping[Named, str]) -> str:
    """The text with an expression in the place of each of these paths."""
    content = text.encode()
    for named in sorted(places, key=lambda named: named.start, reverse=True):
        content = content[: named.start] + places[named].encode() + content[named.end :]
    return content.decode()


def _values(node: ast.AST) -> Iterable[ast.expr]:
    """The parts of a node that a path may be."""
    match node:
        case ast.Call():
            if called(node).startswith(_WRITERS):
                return []
            return [*node.args, *(keyword.value for keyword in node.keywords)]
        case ast.Assign() | ast.AnnAssign() | ast.Return() | ast.NamedExpr():
            return [node.value] if node.value else []
        case ast.Dict():
            return node.values
        case ast.List() | ast.Tuple() | ast.Set():
            return node.elts
        case ast.BinOp(op=ast.Mod()):
            return [node.right]
        case ast.BinOp():
            return [node.left, node.right]
        case ast.arguments():
            return [*node.defaults, *filter(None, node.kw_defaults)]
    return []


def _may_be_folder(node: ast.AST, value: str) -> bool:
    if "/" in value or os.sep in value or isinstance(node, ast.Assign | ast.AnnAssign):
        return True
    return isinstance(node, ast.Call) and called(node) in _OF_FOLDERS
