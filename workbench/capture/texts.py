"""A live function or class of a notebook -> the text that made it, proven by compiling it again."""

from __future__ import annotations
import __future__

import ast
import inspect
import linecache
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from types import CodeType, FunctionType
from typing import Any, cast

from .captured import Cell, Session

FUTURE_ANNOTATIONS = __future__.annotations.compiler_flag

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Text:
    """The source of one definition, the cell that it stands in, and whether annotations stay unevaluated there."""

    source: str
    cell: Cell
    future_annotations: bool = False

    @property
    def node(self) -> Any:
        """The definition as a statement, or the lambda as an expression."""
        if self.source.startswith("lambda"):
            return cast("ast.Expr", ast.parse(f"({self.source})").body[0]).value
        return ast.parse(self.source).body[0]

    @property
    def decorators(self) -> list[ast.expr]:
        """What stands above the definition."""
        return list(getattr(self.node, "decorator_list", ()))

    def without(self, decorators: Iterable[ast.expr]) -> Text:
        """The definition without these of its decorators."""
        gone = {line for d in decorators for line in range(d.lineno, (d.end_lineno or d.lineno) + 1)}
        lines = [line for i, line in enumerate(self.source.splitlines(), 1) if i not in gone]
        return replace(self, source="\n".join(lines))


def attribute(value: object, name: str, default: Any = None) -> Any:
    """`getattr` for objects of the notebook, whose own `__getattr__` may raise anything: a dict's, a KeyError."""
    try:
        return getattr(value, name, default)
    except Exception:  # noqa: BLE001
        return default


def unwrapped(value: Any) -> Any:
    """What the wrappers stand around; the value itself where its own `__getattr__` raises."""
    try:
        return inspect.unwrap(value)
    except Exception:  # noqa: BLE001
        return value


def function_text(function: FunctionType, session: Session) -> Text | None:
    """The `def` (with its decorators) or `lambda` that made `function`, or None where none can be proven."""
    code = function.__code__
    future = code.co_flags & FUTURE_ANNOTATIONS
    for cell in _cells_of(code, session):
        for node in _candidates(cell, code):
            if any(same_code(code, found) for found in _codes(cell, node, future)):
                return Text(segment(cell.text, node), cell, bool(future))
    return None


def class_text(cls: type, session: Session, *, live: bool = True) -> Text | None:
    """The `class` statement that made `cls`, or None where none can be proven. Of those that fit equally, a class
    that is `live` under its name has the last; of any other, all must say the same."""
    methods = functions_of(cls)
    future = methods[0].__code__.co_flags & FUTURE_ANNOTATIONS if methods else 0
    found: list[tuple[int, Text]] = []
    for cell in _class_cells(methods, session):
        for node in reversed(_definitions(parsed(cell.text))):
            if isinstance(node, ast.ClassDef) and node.name == cls.__name__ and (fit := _fit(cls, node)) is not None:
                codes = list(_codes(cell, node, future))
                if all(any(same_code(m.__code__, code) for code in codes) for m in methods):
                    found.append((fit, Text(segment(cell.text, node), cell, bool(future))))
        if found and (methods or live):
            break
    best = [text for fit, text in found if fit == max(fit for fit, _ in found)]
    return best[0] if best and (live or len({text.source for text in best}) == 1) else None


def _fit(cls: type, node: ast.ClassDef) -> int | None:
    """How many plain attributes of a class are as this statement says; None where it binds others."""
    bound = {n.id for s in node.body for n in _targets(s)}
    if not all(hasattr(cls, name) or name in getattr(cls, "__annotations__", {}) for name in bound):
        return None
    written = ((n.id, getattr(s, "value", None)) for s in node.body for n in _targets(s))
    said = [(name, value.value) for name, value in written if isinstance(value, ast.Constant)]
    return sum(repr(_value(getattr(cls, name, None))) == repr(value) for name, value in said)


def _targets(statement: ast.stmt) -> list[ast.Name]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [t for t in targets if isinstance(t, ast.Name)]


def _value(attribute: Any) -> Any:
    return attribute.value if isinstance(attribute, Enum) else attribute


def same_code(a: CodeType, b: CodeType) -> bool:
    """Whether two code objects do the same, whatever file and lines they come from."""
    fields = ("co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_argcount", "co_kwonlyargcount")
    if any(getattr(a, f) != getattr(b, f) for f in fields) or len(a.co_consts) != len(b.co_consts):
        return False
    return all(_same_constant(x, y) for x, y in zip(a.co_consts, b.co_consts, strict=True))


def _same_constant(x: object, y: object) -> bool:
    if isinstance(x, CodeType) and isinstance(y, CodeType):
        return same_code(x, y)
    return type(x) is type(y) and repr(x) == repr(y)


def _cells_of(code: CodeType, session: Session) -> Iterator[Cell]:
    """Where the text may stand: the file that Python remembers for it first, then the cells, newest first."""
    if lines := linecache.getlines(code.co_filename):
        text = "".join(lines)
        number = next((c.number for c in reversed(session.cells) if c.text.strip() == text.strip()), None)
        yield Cell(number, text)
    yield from reversed(session.cells)


def _class_cells(methods: list[FunctionType], session: Session) -> Iterator[Cell]:
    if methods:
        yield from _cells_of(methods[0].__code__, session)
    else:
        yield from reversed(session.cells)


def _candidates(cell: Cell, code: CodeType) -> list[ast.expr | Definition]:
    tree = parsed(cell.text)
    if code.co_name == "<lambda>":
        return [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    named = [n for n in ast.walk(tree) if isinstance(n, Definition) and n.name == code.co_name]
    functions = [n for n in named if not isinstance(n, ast.ClassDef)]
    return [*sorted(functions, key=lambda n: abs(_first_line(n) - code.co_firstlineno))]


def parsed(text: str) -> ast.Module:
    """The statements of a cell; none where it does not parse."""
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.Module([], [])


def _first_line(node: Definition) -> int:
    return min([node.lineno, *(d.lineno for d in node.decorator_list)])


def _definitions(tree: ast.AST) -> list[Definition]:
    """The definitions in `tree`, those inside functions included."""
    return sorted((n for n in ast.walk(tree) if isinstance(n, Definition)), key=_first_line)


def segment(text: str, node: ast.expr | Definition) -> str:
    """The text of a node, as if it stood at the left margin."""
    if isinstance(node, ast.expr):
        return ast.get_source_segment(text, node) or ast.unparse(node)
    first, margin = _first_line(node), node.col_offset
    inside = lines_inside_strings(node)
    lines = text.splitlines()[first - 1 : node.end_lineno]
    return "\n".join(line if first + i in inside else line[margin:] for i, line in enumerate(lines))


def lines_inside_strings(tree: ast.AST) -> set[int]:
    """The numbers of the lines that begin inside a string, which no margin may be added to or taken from."""
    strings = (n for n in ast.walk(tree) if isinstance(n, ast.JoinedStr | ast.Constant) and n.end_lineno)
    return {line for n in strings for line in range(n.lineno + 1, (n.end_lineno or n.lineno) + 1)}


def _codes(cell: Cell, node: ast.expr | Definition, flags: int) -> Iterator[CodeType]:
    """The code of `node`, compiled with its statement, as IPython compiles each, then with its whole text, as a script
    is: Python 3.11 compiles a call of an imported module otherwise where it sees the import."""
    tree = parsed(cell.text)
    around = [s for s in tree.body if _begins(s) <= node.lineno <= (s.end_lineno or s.lineno)]
    for part in (ast.Module(around, []), tree):
        yield from (code for code in _compiled(part, flags) if _is_of(code, node))


def _begins(node: ast.stmt) -> int:
    return _first_line(node) if isinstance(node, Definition) else node.lineno


def _is_of(code: CodeType, node: ast.expr | Definition) -> bool:
    if isinstance(node, ast.Lambda):
        inner = (n for n in ast.walk(node.body) if isinstance(n, ast.Lambda))
        return _lies_in(code, node.body) and not any(_lies_in(code, n.body) for n in inner)
    if isinstance(node, ast.ClassDef):
        return _first_line(node) <= code.co_firstlineno <= (node.end_lineno or node.lineno)
    return isinstance(node, Definition) and code.co_firstlineno == _first_line(node) and code.co_name == node.name


def _lies_in(code: CodeType, node: ast.expr) -> bool:
    """Whether all that a code object does is written inside `node`."""
    begin, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
    written = [at for at in code.co_positions() if at[0] and at[3]]
    return code.co_name == "<lambda>" and all(
        begin <= (first, left or 0) and (last or 0, right or 0) <= end for first, last, left, right in written
    )


def all_code(source: str, flags: int = 0) -> Iterator[CodeType]:
    """Every code object inside `source`; none where it does not compile."""
    yield from _compiled(parsed(source), flags)


def _compiled(tree: ast.Module, flags: int) -> Iterator[CodeType]:
    try:
        flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        top = compile(tree, "<captured>", "exec", flags, dont_inherit=True)
    except (SyntaxError, ValueError):
        return
    yield from inner_code(top)


def inner_code(code: CodeType) -> Iterator[CodeType]:
    """A code object and those inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from inner_code(constant)


def functions_of(cls: type) -> list[FunctionType]:
    """The functions written in the body of `cls`, out of properties, class methods and wrappers."""
    found = []
    for value in vars(cls).values():
        for part in (value, attribute(value, "__func__"), attribute(value, "fget")):
            inner = unwrapped(part) if callable(part) else None
            if isinstance(inner, FunctionType) and inner.__qualname__.startswith(f"{cls.__qualname__}."):
                found.append(inner)
    return [function for function in found if not _is_generated(function, cls)]


def home_of(function: FunctionType) -> str | None:
    """The module whose globals a function reads. `%run` leaves no name in those of the script that it ran."""
    name: str | None = function.__globals__.get("__name__")
    return name or function.__module__


def _is_generated(function: FunctionType, cls: type) -> bool:
    """Whether `dataclass`, `attrs` or `NamedTuple` wrote a method."""
    if home_of(function) != cls.__module__:
        return True
    by_parts = attribute(cls, "__dataclass_fields__") or attribute(cls, "__attrs_attrs__")
    return (
        by_parts
        and function.__name__.startswith("__")
        and function.__code__.co_filename.startswith(("<string", "<attrs"))
    )
