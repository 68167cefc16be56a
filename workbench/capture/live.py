"""What a definition's text cannot say: defaults and attributes that hold other objects than the text gives now.

A default is evaluated once, when its `def` runs, and attributes can be set later; what is live is what counts.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
from collections.abc import Iterator, Mapping
from enum import Enum
from types import FunctionType
from typing import Any

from .bindings import Refer
from .literals import literal
from .texts import attribute, home_of, inner_code, same_code

_ABSENT = object()
_EVALUATED = (ast.Name, ast.Attribute, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.Subscript, ast.Slice)
_OPERATORS = (ast.UnaryOp, ast.BinOp, ast.expr_context, ast.operator, ast.unaryop)
_DATA_METACLASSES = ("type", "ABCMeta", "_ProtocolMeta")
_PACKAGES_OWN = ("_abc_impl", "_is_protocol", "_is_runtime_protocol", "_sklearn")


def function_settings(
    name: str, function: FunctionType, source: str, namespace: Mapping[str, Any], refer: Refer
) -> Iterator[str]:
    """Statements after the `def` of `name` that give it its live defaults and attributes; none where it has them."""
    arguments = _arguments(source)
    if _other(arguments.defaults, function.__defaults__ or (), namespace):
        values = [refer(f"{name}_default", value) for value in function.__defaults__ or ()]
        yield f"{name}.__defaults__ = ({', '.join(values)}{',' if values else ''})"
    named = {a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None}
    live = function.__kwdefaults__ or {}
    if _other(list(named.values()), [live.get(key, _ABSENT) for key in named], namespace):
        pairs = [f"{key!r}: {refer(f'{name}_{key}', value)}" for key, value in live.items()]
        yield f"{name}.__kwdefaults__ = {{{', '.join(pairs)}}}"
    for key, value in _renamed(function, source):
        yield f"{name}.{key} = {value!r}"
    for key, value in vars(function).items():
        if not _is_a_wrappers_own(value):
            yield f"{name}.{key} = {refer(f'{name}_{key}', value)}"


def _is_a_wrappers_own(value: Any) -> bool:
    """What `functools.wraps` copied from a wrapper that an installed package made, `cache_parameters` say."""
    return isinstance(value, FunctionType) and value.__module__ == "functools"


def _renamed(function: FunctionType, source: str) -> Iterator[tuple[str, Any]]:
    """What `functools.wraps` gave a function: the name and the documentation of another."""
    if function.__name__ != function.__code__.co_name:
        yield "__name__", function.__name__
    node = ast.parse(source).body[0]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        written = ast.get_docstring(node)
        if function.__doc__ != written and inspect.cleandoc(function.__doc__ or "") != (written or ""):
            yield "__doc__", function.__doc__


def holds_other_defaults(function: FunctionType, source: str, namespace: Mapping[str, Any]) -> bool:
    """Whether the text, run now, would give a function other defaults than it has."""
    set_again = function_settings("f", function, source, namespace, lambda *_: "")
    return any(line.startswith(("f.__defaults__", "f.__kwdefaults__")) for line in set_again)


def other_global(function: FunctionType, namespace: Mapping[str, Any]) -> str | None:
    """A name that a function of a script reads among the script's own, where the notebook's is bound to another."""
    own = function.__globals__
    if own is namespace or own is attribute(namespace, "maps", [namespace])[-1]:
        return None
    codes = inner_code(function.__code__)
    read = {
        op.argval for code in codes for op in dis.get_instructions(code) if op.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    }
    return next((n for n in sorted(read & own.keys()) if not means(namespace.get(n, _ABSENT), own[n])), None)


def means(now: Any, then: Any) -> bool:
    """Whether a name that is bound to `now` means what it did: the same object, value or function."""
    if isinstance(now, FunctionType) and isinstance(then, FunctionType):
        return now is then or (same_code(now.__code__, then.__code__) and now.__defaults__ == then.__defaults__)
    return now is then or (literal(now) is not None and literal(now) == literal(then))


def method_source(class_source: str, name: str) -> str | None:
    """The text of a method in the text of its class."""
    for node in ast.parse(class_source).body[0].body:  # type: ignore[attr-defined]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return ast.unparse(node)
    return None


def class_settings(name: str, cls: type, source: str, namespace: Mapping[str, Any], refer: Refer) -> Iterator[str]:
    """Statements after the `class` of `name` that give it the attributes it has now; none where it has them.

    Classes whose metaclass makes something else of what is written (enums, pydantic models) are as their text says.
    """
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef)
    of_the_notebook = type(cls).__module__ == cls.__module__
    if (type(cls).__name__ not in _DATA_METACLASSES and not of_the_notebook) or issubclass(cls, tuple):
        yield from _replaced_methods(name, cls, node, refer)
        return
    written, bound = dict(_assigned(node)), _bound_in(node)
    plain = not node.decorator_list or "__dataclass_fields__" in vars(cls)
    for key, value in vars(cls).items():
        if _is_part_of_text(key, value, cls):
            yield from _method_defaults(f"{name}.{key}", key, value, source, namespace, refer)
            continue
        if key in written:
            other = _differs(written[key], value, namespace, calls=not node.decorator_list)
        else:  # a name that is bound in another way than by one assignment is set again where it can be
            data = literal(value) is not None or _is_data(value)
            other = plain and (key not in bound or data or isinstance(_inner(value), FunctionType))
        if other and not key.startswith(_PACKAGES_OWN):
            yield f"{name}.{key} = {refer(f'{name}_{key}', value)}"
    if type(cls) is type and not node.decorator_list:
        yield from (f"del {name}.{key}" for key in _written_for_good(node) if key not in vars(cls))


def _replaced_methods(name: str, cls: type, node: ast.ClassDef, refer: Refer) -> Iterator[str]:
    for key in (s.name for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)):
        value = vars(cls).get(key)
        if isinstance(_inner(value), FunctionType) and not _is_part_of_text(key, value, cls):
            yield f"{name}.{key} = {refer(f'{name}_{key}', value)}"


def _written_for_good(node: ast.ClassDef) -> Iterator[str]:
    """The names that a class has after its body ran, as far as that is plain to see."""
    gone = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Del)}
    for statement in node.body:
        name = getattr(statement, "name", None) if not isinstance(statement, ast.Try) else None
        names = [name] if name else [key for key, _ in _assigned(ast.ClassDef("", [], [], [statement], []))]
        yield from (n for n in names if n not in gone and not n.startswith("__"))


def held_values(cls: Any) -> dict[str, Any]:
    """What the attributes in the text of a data class, enum, named tuple or pydantic model were when it was made."""
    if issubclass(cls, Enum):
        return {key: member.value for key, member in cls.__members__.items()}
    if isinstance(fields := attribute(cls, "__dataclass_fields__"), dict):
        return {key: field.default for key, field in fields.items() if not _is_of_the_class(field)}
    if isinstance(defaults := attribute(cls, "_field_defaults"), dict):
        return dict(defaults)
    if isinstance(parts := attribute(cls, "__attrs_attrs__"), tuple):
        return {part.name: part.default for part in parts}
    fields = attribute(cls, "model_fields")
    return {key: field.default for key, field in fields.items()} if isinstance(fields, dict) else {}


def _is_of_the_class(field: Any) -> bool:
    """Whether what a data class lists is a ClassVar, an attribute like those of any class."""
    return repr(attribute(field, "_field_type")) == "_FIELD_CLASSVAR"


def other_value(cls: type, source: str, namespace: Mapping[str, Any]) -> str | None:
    """The first attribute of such a class that its text, run now, would give another value."""
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef)
    held = held_values(cls)
    within = dict(vars(cls)) if issubclass(cls, Enum) else {}
    for key, expression in _assigned(node):
        reads = {n.id for n in ast.walk(expression) if isinstance(n, ast.Name)}
        if key in held and not reads & within.keys() and _differs(expression, held[key], namespace, calls=False):
            return key
    return None


def _method_defaults(
    path: str, key: str, value: Any, source: str, namespace: Mapping[str, Any], refer: Refer
) -> Iterator[str]:
    written = method_source(source, key) if isinstance(value, FunctionType) else None
    while hasattr(value, "__wrapped__"):  # a package stands around the method: scikit-learn's set_output
        path, value = f"{path}.__wrapped__", value.__wrapped__
    if written is not None and holds_other_defaults(value, written, namespace):
        yield from function_settings(path, value, written, namespace, refer)


def _arguments(source: str) -> ast.arguments:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return node.args
    raise AssertionError(source)


def _other(expressions: list[ast.expr], values: Any, namespace: Mapping[str, Any]) -> bool:
    if len(expressions) != len(values):
        return True
    return any(_differs(e, v, namespace) for e, v in zip(expressions, values, strict=True))


def _differs(expression: ast.expr, value: Any, namespace: Mapping[str, Any], *, calls: bool = True) -> bool:
    """Whether an expression gives another object now. One that `calls` something is not run: what is plain of it
    is set again."""
    if not all(isinstance(node, (*_EVALUATED, *_OPERATORS)) for node in ast.walk(expression)):
        return calls and (literal(value) is not None or _is_data(value))
    try:
        code = compile(ast.Expression(expression), "<captured>", "eval")
        now = eval(code, {"__builtins__": builtins}, namespace)
    except Exception:  # noqa: BLE001 (what cannot be evaluated any more must be set)
        return True
    text = literal(value)
    return now is not value and not (text is not None and text == literal(now))


def _is_data(value: Any) -> bool:
    """Whether a value that a call made is one that may have changed since, and can be written down."""
    kind = type(value)
    if callable(value) or hasattr(kind, "__get__") or hasattr(kind, "__set__"):
        return False
    return kind.__module__.partition(".")[0] in ("__main__", "builtins", "collections", "numpy", "pandas")


def _assigned(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, statement.value
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            yield statement.target.id, statement.value


def _bound_in(node: ast.ClassDef) -> set[str]:
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return names | {n.name for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}


def _is_part_of_text(key: str, value: Any, cls: type) -> bool:
    inner = _inner(value)
    if key.startswith("__") and key.endswith("__") and not _is_written(inner, cls):
        return True
    own = attribute(inner, "__qualname__", "")
    if isinstance(own, str) and own.startswith(f"{cls.__qualname__}."):
        return True
    return hasattr(type(value), "__get__") and not isinstance(inner, FunctionType)


def _is_written(function: Any, cls: type) -> bool:
    """Whether somebody wrote a function in the notebook: not a decorator, nor a package."""
    if not isinstance(function, FunctionType) or home_of(function) != cls.__module__:
        return False
    return not function.__code__.co_filename.startswith(("<string", "<attrs"))


def _inner(value: Any) -> Any:
    """The function inside a property, class method or static method."""
    return attribute(value, "__func__", attribute(value, "fget", value))
