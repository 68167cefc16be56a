"""A local module as it is live and as its file says -> what differs, in words."""

from __future__ import annotations

import ast
from abc import ABCMeta
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from .literals import literal
from .texts import all_code, attribute, functions_of, same_code, unwrapped

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def drift(module: ModuleType, text: str) -> str | None:
    """What makes the live module another than `text` would: a function that was edited or replaced since the import,
    or a plain value, its own or of a class, that was set or changed. None where nothing is seen."""
    codes = list(all_code(text))
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__:
            if isinstance(value, FunctionType) and _defines(text, name):
                return f"{name} was replaced in this session"
            continue
        plain = unwrapped(value) if isinstance(value, FunctionType) else value
        for function in functions_of(value) if isinstance(value, type) else [plain]:
            if isinstance(function, FunctionType) and not any(same_code(function.__code__, code) for code in codes):
                return f"{function.__qualname__} is not the one in the file, which was edited since it was imported"
    tree = ast.parse(text)
    return next((f"{name} is {shown}" for name, shown in (*_of_module(module, tree), *_of_classes(module, tree))), None)


def _defines(text: str, name: str) -> bool:
    return any(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == name for n in ast.parse(text).body)


def _of_module(module: ModuleType, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that the file binds once, to a plain value, and that hold another one now: because the notebook set
    them, or a function of the module that keeps what it was given. One that a function makes when it is missing, or
    only counts with, is made again."""
    declared = {name for n in ast.walk(tree) if isinstance(n, ast.Global) for name in n.names}
    for name, expression in _bound_once(tree).items():
        if name not in declared or not (_is_made_when_missing(tree, name) or _is_counted(tree, name)):
            yield from _changed(name, expression, vars(module))


def _of_classes(module: ModuleType, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Likewise for the attributes of classes; those that the module sets itself are its own affair."""
    own = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    for node in tree.body:
        cls = vars(module).get(getattr(node, "name", ""))
        if isinstance(node, ast.ClassDef) and type(cls) in (type, ABCMeta):
            plain = {k: v for k, v in vars(cls).items() if not hasattr(v, "__get__") and k not in own}
            for name, expression in _bound_once(node).items():
                if isinstance(expression, ast.Constant | ast.Tuple | ast.UnaryOp):
                    yield from ((f"{node.name}.{n}", shown) for n, shown in _changed(name, expression, plain))


def _changed(name: str, expression: ast.expr, live: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    try:
        said = ast.literal_eval(expression)
    except (ValueError, TypeError, SyntaxError):
        return
    if name in live and (type(live[name]) is not type(said) or live[name] != said):
        if said == {} or (not said and _is_of_its_own(live[name], str(live.get("__name__")))):
            return  # a dict that is filled later: the clean process tells with what
        now = (literal(live[name]) or type(live[name]).__name__)[:60]
        yield name, f"{now} here, and {ast.unparse(expression)[:60]} in the file"


def _is_of_its_own(held: object, module: str) -> bool:
    """Whether a container holds functions and classes of the module's package, as decorators put there on import."""
    values = held.values() if isinstance(held, dict) else held if isinstance(held, list | set) else ()
    homes = {str(attribute(value, "__module__")) for value in values}
    return bool(homes) and {home.partition(".")[0] for home in homes} == {module.partition(".")[0]}


def _bound_once(scope: ast.Module | ast.ClassDef) -> dict[str, ast.expr]:
    """The names that one plain statement of this scope binds, and no other."""
    stores = [n.id for n in _within(scope) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    found: dict[str, ast.expr] = {}
    for statement in scope.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value and len(targets) == 1:
            target = targets[0]
            if isinstance(target, ast.Name) and stores.count(target.id) == 1:
                found[target.id] = statement.value
    return found


def _within(scope: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(scope):
        yield node
        if not isinstance(node, _SCOPES):
            yield from _within(node)


def _is_made_when_missing(tree: ast.Module, name: str) -> bool:
    """`if TABLE is None: TABLE = read()`, or a call that does so."""
    asked = (n for n in ast.walk(tree) if isinstance(n, ast.If) and _speaks_of(n.test, name))
    return any(
        isinstance(s, ast.Expr) or (isinstance(s, ast.Assign) and any(_speaks_of(t, name) for t in s.targets))
        for node in asked
        for s in node.body
    )


def _is_counted(tree: ast.Module, name: str) -> bool:
    return any(isinstance(n, ast.AugAssign) and _speaks_of(n.target, name) for n in ast.walk(tree))


def _speaks_of(node: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node))
