"""The words of a notebook's line -> values: expressions are evaluated, names and places stay text."""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..text import closest
from .reader import Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..specs.spec import Option, Verb

_EXPRESSIONS = ("object", "frame", "column", "place")
_FILE_ENDING = re.compile(
    r"(?i)\.(csv|tsv|txt|parquet|pq|feather|arrow|ipc|xls[xm]?|jsonl|ndjson|json|pkl|pickle|joblib|onnx|db|sqlite|ipynb)"
    r"(\.(gz|bz2|zip|xz|zst))?$"
)


def resolve(spec: Verb, given: Mapping[str, Any], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a verb with each expression of the notebook evaluated.

    A word in quotes is text; so is one that names a file, ends as a file does, or has a scheme. Names that the
    notebook does not have are a UsageError with the closest one, where no text could be meant.
    """
    return {
        option.name: value(option, given[option.name], namespace)
        if option.kind in _EXPRESSIONS and isinstance(given[option.name], Token)
        else given[option.name]
        for option in spec.options
    }


def value(option: Option, word: Token, namespace: Mapping[str, Any]) -> Any:
    """What one word of an option that takes expressions stands for."""
    if word.quoted or word in option.words:
        return str(word)
    if word.raw in namespace:
        return namespace[word.raw]
    tree = _parsed(word.raw)
    if tree is None or _FILE_ENDING.search(word) or _exists(word):
        return str(word)
    if isinstance(tree, ast.List | ast.Tuple | ast.Dict):
        return _evaluated(option, word, namespace)
    names = _names(tree)
    missing = sorted(n for n in names if n not in namespace and (n == word or not hasattr(builtins, n)))
    if names and not missing:
        return _evaluated(option, word, namespace)
    if missing and option.kind != "column" and _is_meant_as_code(tree):
        raise _unknown(option, word, missing[0], namespace)
    return str(word)


def _parsed(raw: str) -> ast.expr | None:
    try:
        return ast.parse(raw, mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _names(tree: ast.expr) -> set[str]:
    """The names that an expression needs from the notebook."""
    nodes = list(ast.walk(tree))
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return used - bound - {node.arg for node in nodes if isinstance(node, ast.arg)}


def _is_meant_as_code(tree: ast.expr) -> bool:
    """Whether a word with unknown names is code: `X_tset`, `df[...]`, `df.head()`; `data/part-1` is a path."""
    return isinstance(tree, ast.Name | ast.Attribute | ast.Subscript | ast.Call)


def _exists(word: str) -> bool:
    try:
        return Path(word).exists()
    except (OSError, ValueError):
        return False


def _evaluated(option: Option, word: Token, namespace: Mapping[str, Any]) -> Any:
    try:
        return eval(word.raw, dict(namespace))  # noqa: S307 (the user's own line)
    except Exception as error:
        raise UsageError(
            f"{option.metavar} {word.raw} raised {type(error).__name__}: {error}",
            fix="try the expression in a cell; a file's name goes into quotes",
        ) from error


def _unknown(option: Option, word: Token, missing: str, namespace: Mapping[str, Any]) -> UsageError:
    what = f"{missing} is not defined in this notebook"
    if option.kind == "place" and "(" not in word and "[" not in word:
        what += f", and there is no file {Path(word).absolute()}"
    near = closest(missing, [name for name in namespace if not name.startswith("_")])
    other = "a model's name is one word" if option.kind == "object" else "a file's name goes into quotes"
    return UsageError(what, fix=f"did you mean {near}?" if near else f"run the cell that defines it; {other}")
