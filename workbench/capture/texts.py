"""A live function or class of a notebook -> the text that made it, proven by compiling it again."""

from __future__ import annotations
import __future__

import ast
import inspect
import linecache
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import CodeType, FunctionType

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
    def decorators(self) -> int:
        """How many decorators stand above the definition."""
        node = ast.parse(f"({self.source})" if self.source.startswith("lambda") else self.source).body[0]
        return len(getattr(node, "decorator_list", ()))

    def undecorated(self) -> Text:
        """The definition alone."""
        node = ast.parse(self.source).body[0]
        return replace(self, source="\n".join(self.source.splitlines()[node.lineno - 1 :]))


def function_text(function: FunctionType, session: Session) -> Text | None:
    """The `def` (with its decorators) or `lambda` that made `function`, or None where none can be proven."""
    code = function.__code__
    for cell in _cells_of(code, session):
        for node in _candidates(cell, code):
            source = _segment(cell.text, node)
            if any(same_code(code, found) for found in _codes(cell, node, source, code)):
                return Text(source, cell, bool(code.co_flags & FUTURE_ANNOTATIONS))
    return None


def class_text(cls: type, session: Session) -> Text | None:
    """The `class` statement that made `cls`, or None where none can be proven."""
    methods = [f for f in functions_of(cls) if not f.__code__.co_filename.startswith("<string")]
    for cell in _class_cells(methods, session):
        for node in reversed(_definitions(ast.parse(cell.text))):
            if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
                source = _segment(cell.text, node)
                if all(_is_method_of(m.__code__, cell, node, source) for m in methods):
                    future = any(m.__code__.co_flags & FUTURE_ANNOTATIONS for m in methods)
                    return Text(source, cell, bool(future))
    return None


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
    try:
        tree = ast.parse(cell.text)
    except SyntaxError:
        return []
    if code.co_name == "<lambda>":
        return [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    named = [n for n in _definitions(tree) if n.name == code.co_name and not isinstance(n, ast.ClassDef)]
    return [*sorted(named, key=lambda n: abs(_first_line(n) - code.co_firstlineno))]


def _first_line(node: Definition) -> int:
    return min([node.lineno, *(d.lineno for d in node.decorator_list)])


def _definitions(tree: ast.AST) -> list[Definition]:
    """The definitions of module scope, those under `if`, `try` and `with` included."""
    found: list[Definition] = []
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(child)
        elif not isinstance(child, ast.Lambda):
            found += _definitions(child)
    return found


def _segment(text: str, node: ast.expr | Definition) -> str:
    if isinstance(node, ast.expr):
        return ast.get_source_segment(text, node) or ast.unparse(node)
    lines = text.splitlines()[_first_line(node) - 1 : node.end_lineno]
    return textwrap.dedent("\n".join(lines))


def _is_method_of(code: CodeType, cell: Cell, node: ast.ClassDef, source: str) -> bool:
    return any(same_code(code, found) for found in _codes(cell, node, source, code))


def _codes(cell: Cell, node: ast.expr | Definition, source: str, like: CodeType) -> Iterator[CodeType]:
    """The code of `node`, compiled alone as IPython compiles each statement, then with its whole text, as a script
    is: Python 3.11 compiles a call of an imported module otherwise where it sees the import."""
    yield from _compiled(f"({source})" if isinstance(node, ast.expr) else source, like)
    last = node.end_lineno or node.lineno
    for code in _compiled(cell.text, like):
        if isinstance(node, ast.Lambda):
            body = node.body
            if (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in set(code.co_positions()):
                yield code
        elif isinstance(node, Definition) and _first_line(node) <= code.co_firstlineno <= last:
            yield code


def _compiled(source: str, like: CodeType) -> Iterator[CodeType]:
    """Every code object inside `source`, compiled as `like` was."""
    return all_code(source, like.co_flags & FUTURE_ANNOTATIONS)


def all_code(source: str, flags: int = 0) -> Iterator[CodeType]:
    """Every code object inside `source`; none where it does not compile."""
    try:
        flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        top = compile(source, "<captured>", "exec", flags, dont_inherit=True)
    except SyntaxError:
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
        for part in (value, getattr(value, "__func__", None), getattr(value, "fget", None)):
            inner = inspect.unwrap(part) if callable(part) else None
            if isinstance(inner, FunctionType) and inner.__qualname__.startswith(f"{cls.__qualname__}."):
                found.append(inner)
    return found
