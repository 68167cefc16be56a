"""A function or class that was made inside another function -> a small factory that makes it again.

Its arguments are the values that it closes over. A cell that functions change stays one cell between those that
share it, and what closes over itself is bound to itself.
"""

from __future__ import annotations

import ast
import builtins
import dis
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from .refusals import enclosing, unproven
from .texts import FUTURE_ANNOTATIONS, Text, all_code, functions_of, lines_inside_strings, same_code

if TYPE_CHECKING:
    from types import CellType

    from .bindings import Bindings

_EMPTY = object()
_FEW = 1_000


@dataclass
class Closed:
    """What a factory gives to a function or class: the values of its variables by name, `late` those that lead back to
    it, `shared` the cells that others change too, by the expression that has them."""

    given: dict[str, Any] = field(default_factory=dict)
    late: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)


def variables(known: Bindings, made: Any, own: str) -> Closed:
    """The variables that `made`, a function or class called `own` in its text, closes over."""
    closed = Closed()
    for name, cell, function in _cells(made):
        content = _content(cell)
        if name == "__class__" and isinstance(made, type):
            continue
        if content is _EMPTY:
            closed.empty.append(name)
        elif content is made and name == own:
            continue
        elif (owner := known.cells.get(id(cell))) and (_writes(function, name) or _writes(owner[1], name)):
            closed.shared[name] = owner[0]
        elif _leads_to(content, made, set()):
            closed.late[name] = content
        else:
            closed.given[name] = content
    return closed


def own_cells(known: Bindings, name: str, function: FunctionType) -> None:
    """From now on the closure of `name` has these cells, for others to share."""
    for i, cell in enumerate(function.__closure__ or ()):
        known.cells.setdefault(id(cell), (f"{name}.__closure__[{i}]", function))


def factory(text: Text, own: str, parameters: Iterable[str], empty: Iterable[str]) -> str:
    """The text of a factory below its `def NAME`: it takes the parameters and returns what `text` defines."""
    node = text.node
    lines = [f"    {name}: object" for name in empty]
    if isinstance(node, ast.Lambda):
        source = f"({text.source})" if "\n" in text.source else text.source
        return "\n".join([f"({', '.join(parameters)}):", *lines, f"    return {source}"])
    inside = lines_inside_strings(node)
    body = [line if i in inside or not line else f"    {line}" for i, line in enumerate(text.source.splitlines(), 1)]
    return "\n".join([f"({', '.join(parameters)}):", *lines, *body, "", f"    return {own}"])


def plain_header(text: Text, unknown: Iterable[str]) -> Text:
    """The definition without what only the enclosing function could evaluate: defaults are set anew afterwards."""
    node = text.node
    around = "()" if isinstance(node, ast.Lambda) else ""  # which it was parsed in
    source, arguments = f"{around[:1]}{text.source}{around[1:]}", node.args
    spent = [d for d in (*arguments.defaults, *arguments.kw_defaults) if d and not isinstance(d, ast.Constant)]
    mentioned = [d for d in spent if {n.id for n in ast.walk(d) if isinstance(n, ast.Name)} & set(unknown)]
    for default in reversed(mentioned):
        source = replaced(source, default, "None")
    source = source[len(around) // 2 : len(source) - len(around) // 2]
    return Text(source, text.cell, text.future_annotations)


def replaced(source: str, node: ast.expr, by: str) -> str:
    """The source with the text of one expression in it exchanged."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    raw = source.encode()
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)
    return (raw[:begin] + by.encode() + raw[end:]).decode()


def unknown_names(known: Bindings, text: Text, closed: Closed) -> list[str]:
    """The names in a definition's head that were local to the enclosing function."""
    node = text.node
    parts: list[Any] = [*getattr(node, "decorator_list", ()), *getattr(node, "bases", ())]
    if not isinstance(node, ast.ClassDef):
        parts += [node.args, *filter(None, [getattr(node, "returns", None)])]
    names = {n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name)}
    have = {*closed.given, *closed.late, *closed.shared, *closed.empty}
    return sorted(n for n in names - have if n not in known.namespace and not hasattr(builtins, n))


def check(name: str, function: FunctionType, maker: str, where: str) -> None:
    """Refuse a factory that does not make the very code that is live."""
    flags = function.__code__.co_flags & FUTURE_ANNOTATIONS
    if not any(same_code(function.__code__, code) for code in all_code(maker, flags)):
        raise unproven(name, "function", where)


def check_class(name: str, cls: type, text: Text, maker: str, given: Iterable[str], where: str) -> None:
    """Refuse a factory of a class whose body reads what nothing keeps, or whose methods come out otherwise."""
    bodies = (code for code in all_code(text.cell.text) if code.co_name == cls.__name__)
    if lost := sorted({n for code in bodies for n in code.co_freevars} - {*given, "__class__", cls.__name__}):
        raise enclosing(name, lost[0], where)
    for method in functions_of(cls):
        flags = method.__code__.co_flags & FUTURE_ANNOTATIONS
        if not any(same_code(method.__code__, code) for code in all_code(maker, flags)):
            raise unproven(name, "class", where)


def _cells(made: Any) -> Iterator[tuple[str, CellType, FunctionType]]:
    seen = set()
    for function in functions_of(made) if isinstance(made, type) else [made]:
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            if name not in seen:
                seen.add(name)
                yield name, cell, function


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


def _writes(function: FunctionType, name: str) -> bool:
    return any(
        op.argval == name and op.opname in ("STORE_DEREF", "DELETE_DEREF")
        for code in _inside(function.__code__)
        for op in dis.get_instructions(code)
    )


def _inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _inside(constant)


def _leads_to(value: Any, goal: Any, seen: set[int]) -> bool:
    """Whether a function or class closes over `goal`, itself or through others."""
    if value is goal:
        return True
    if id(value) in seen or not isinstance(value, FunctionType | type | list | tuple | dict):
        return False
    seen.add(id(value))
    if isinstance(value, list | tuple | dict):
        inside = value.values() if isinstance(value, dict) else value
        return len(value) < _FEW and any(_leads_to(part, goal, seen) for part in inside)
    inner = [_content(cell) for _, cell, _ in _cells(value)]
    bases = value.__bases__ if isinstance(value, type) else ()
    return any(_leads_to(part, goal, seen) for part in (*inner, *bases))
