"""A local module as it is live and as its file says -> what differs, in words."""

from __future__ import annotations

import ast
from types import FunctionType, ModuleType

from .literals import literal
from .texts import all_code, functions_of, same_code


def drift(module: ModuleType, text: str) -> str | None:
    """What makes the live module another than `text` would: a function that was edited or replaced since the import,
    or a plain value that was set or changed. None where nothing is seen."""
    codes = list(all_code(text))
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__:
            if isinstance(value, FunctionType) and _defines(text, name):
                return f"{name} was replaced in this session"
            continue
        for function in functions_of(value) if isinstance(value, type) else [value]:
            if isinstance(function, FunctionType) and not any(same_code(function.__code__, code) for code in codes):
                return f"{function.__qualname__} is not the one in the file, which was edited since it was imported"
    return next((f"{name} is {shown}" for name, shown in _values(module, text)), None)


def _defines(text: str, name: str) -> bool:
    return any(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == name for n in ast.parse(text).body)


def _values(module: ModuleType, text: str) -> list[tuple[str, str]]:
    """The names that the file binds once, to a plain value, and that hold another one now."""
    bound: dict[str, list[ast.expr | None]] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.setdefault(node.id, []).append(None)
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, ast.Name) and len(bound[target.id]) == 1:
                bound[target.id] = [statement.value]
    found = []
    for name, (first, *others) in bound.items():
        if first is None or others or name not in vars(module):
            continue
        try:
            said = ast.literal_eval(first)
        except (ValueError, TypeError, SyntaxError):
            continue
        live = vars(module)[name]
        if type(live) is not type(said) or live != said:
            found.append(
                (name, f"{literal(live) or type(live).__name__} here, and {ast.unparse(first)[:60]} in the file")
            )
    return found
