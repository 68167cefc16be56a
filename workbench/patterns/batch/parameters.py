"""The cell tagged `parameters` of a notebook -> its parameters: names, defaults, types and help, read as syntax."""

from __future__ import annotations

import ast
import json
import math
import re
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from ... import text
from ...errors import BadInput, NotFound, StorageError, UsageError
from . import given_frames
from .given_frames import Frame
from .hiding import name_of

TAG = "parameters"
_TYPES = {"int": int, "float": float, "bool": bool, "str": str, "list": list, "dict": dict, "DataFrame": Frame}
_TYPES |= {"date": date, "datetime": datetime, "List": list, "Dict": dict}
_MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)
_OPTIONAL = re.compile(r"\bOptional\[|\bNone\b")
_NOTHING = re.compile(r"^\s*None\s*\|\s*")
_DAY = re.compile(r"^(?:\w+\.)?(date|datetime)\((.+)\)$")
_COMMENTED = re.compile(r"^type: *(\S+) *(.*)$")
_READS = re.compile(r"^(pd|pandas)\.read_\w+$")
_TRUE, _FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")


@dataclass(frozen=True)
class Parameter:
    """One name of the tagged cell. `type` is None where neither the value nor an annotation tells; an `optional` one
    may be None beside that, and one with `choices`, `Literal["a", "b"]`, is one of them."""

    name: str
    type: type | None
    default: str
    help: str = ""
    optional: bool = False
    choices: tuple[Any, ...] = ()

    @property
    def said(self) -> str:
        """Its default as `-p` takes it: `2013-07-01` for `date(2013, 7, 1)`."""
        made = _DAY.match(self.default)
        try:
            return str(_TYPES[made[1]](*ast.literal_eval(f"({made[2]},)")).isoformat()) if made else self.default
        except (ValueError, TypeError, SyntaxError):  # it is computed
            return self.default

    @property
    def kind(self) -> str:
        """What it may be, in words: `int`, `'a' or 'b'`, `frame`; empty where nothing tells."""
        if self.choices:
            return " or ".join(map(repr, self.choices))
        return self.type.__name__.lower() if self.type else ""


def read(notebook: Path) -> dict[str, Parameter] | None:
    """The parameters of a notebook, by name; None where no cell is tagged. BadInput where it is none, or its tagged
    cell is no Python."""
    for number, cell in enumerate(content(notebook)["cells"], 1):
        if cell["cell_type"] == "code" and TAG in (cell.get("metadata", {}).get("tags") or ()):
            return _parsed(_joined(cell["source"]), notebook, number)
    return None


def content(notebook: Path) -> dict[str, Any]:
    """What a notebook's file holds. NotFound, StorageError; BadInput where it is no notebook of today's format."""
    try:
        there: dict[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
        if (form := there.get("nbformat", 4)) != 4:
            fix = "open it in Jupyter and save it again"
            raise BadInput(f"{notebook} is of notebook format {form}, not 4", where=str(notebook), fix=fix)
        [(cell["cell_type"], cell["source"], cell.get("metadata", {}).get("tags")) for cell in there["cells"]]
    except FileNotFoundError:
        raise NotFound(f"there is no notebook {notebook}", fix="name a file that ends in .ipynb") from None
    except OSError as error:
        raise StorageError(f"{notebook} cannot be read: {error.strerror}", fix="see to its owner and rights") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{notebook} is no notebook: {error}", where=str(notebook), fix="save it again as .ipynb"
        ) from error
    return there


def _joined(source: Any) -> str:
    return "".join(source) if isinstance(source, list) else str(source)


def _parsed(source: str, notebook: Path, number: int) -> dict[str, Parameter]:
    try:
        tree = ast.parse(_MAGIC.sub(r"\1pass", source))
    except SyntaxError as error:
        where = f"{notebook.name}, cell {number}, line {error.lineno}"
        raise BadInput(
            f"its cell of parameters is no Python: {error.msg}", where=where, fix="correct the cell"
        ) from error
    lines = source.splitlines()
    found = [parameter for node in tree.body for parameter in _parameters(node, lines)]
    return {parameter.name: parameter for parameter in found}


def _parameters(node: ast.stmt, lines: list[str]) -> Iterator[Parameter]:
    """`a = 1`, `a: int = 1`, `a = b = 1` and `a, b = 1, 2`."""
    help = lines[node.end_lineno - 1].partition(" # ")[2].strip() if node.end_lineno else ""
    commented = _COMMENTED.match(help)  # as Python 2 had it, and papermill reads it
    help = commented[2] if commented else help
    said = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else commented[1] if commented else ""
    for name, value in _assigned(node):
        default = ast.unparse(value) if value is not None else ""
        choices = _choices(node.annotation) if isinstance(node, ast.AnnAssign) else ()
        kind = type(choices[0]) if choices else _type(said, value)
        optional = bool(_OPTIONAL.search(said)) or default == "None"
        yield Parameter(name, kind, default, help, optional, choices)


def _choices(annotation: ast.expr) -> tuple[Any, ...]:
    """What a `Literal[…]` in it lists."""
    for part in ast.walk(annotation):
        if isinstance(part, ast.Subscript) and ast.unparse(part.value).rpartition(".")[2] == "Literal":
            found = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
            return tuple(one.value for one in found if isinstance(one, ast.Constant) and one.value is not None)
    return ()


def _assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    targets: list[tuple[ast.expr, ast.expr | None]] = []
    if isinstance(node, ast.AnnAssign):
        targets = [(node.target, node.value)]
    elif isinstance(node, ast.Assign):
        targets = [(target, node.value) for target in node.targets]
    for target, value in targets:
        if isinstance(target, ast.Name):
            yield target.id, value
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = zip(target.elts, value.elts, strict=False)
            yield from ((each.id, its) for each, its in pairs if isinstance(each, ast.Name))


def _type(said: str, value: ast.expr | None) -> type | None:
    """By the annotation, else by the value: a literal, or a call of `date`, `datetime` or `pd.read_csv`."""
    said = _NOTHING.sub("", said.strip("'\"")).removeprefix("Optional[").partition("|")[0].strip()
    base = said.partition("[")[0].rpartition(".")[2].strip(" ]")
    if base in _TYPES:
        return _TYPES[base]
    if isinstance(value, ast.Call):
        called = ast.unparse(value.func)
        return Frame if _READS.match(called) else _TYPES.get(called.rpartition(".")[2])
    try:
        literal = ast.literal_eval(value) if value is not None else None
    except ValueError:
        return None
    return None if literal is None else type(literal)


def check(notebook: Path, given: dict[str, Any]) -> dict[str, Any]:
    """The given values as the notebook's parameters have them; text is read as their type. UsageError, which names
    the parameter, for one that the notebook has not or that does not fit."""
    known = read(notebook)
    if given and known is None:
        fix = "give the cell with its parameters the tag `parameters` (property inspector, Cell Tags)"
        raise UsageError(f"{notebook.name} has no cell tagged `parameters`", fix=fix)
    known = known or {}
    if given and not known:
        fix = "set each to its default there, as in month = 1"
        raise UsageError(f"the cell tagged `parameters` of {notebook.name} sets no parameter", fix=fix)
    for name in given:
        if name not in known:
            near = text.closest(name, known)
            fix = f"did you mean {near}?" if near else f"it has {', '.join(known)}"
            raise UsageError(f"{notebook.name} has no parameter {name!r}", fix=fix)
    return {name: _fitting(known[name], value) for name, value in given.items()}


def _fitting(parameter: Parameter, value: Any) -> Any:
    if parameter.type is Frame and not (value is None or (isinstance(value, str) and value == "None")):
        return given_frames.given(parameter.name, value)
    if name_of(value):  # of a variable, which is read where it runs
        return value
    if parameter.optional and isinstance(value, str) and value == "None":
        return None
    try:
        if parameter.choices:
            return _chosen(parameter.choices, value)
        return _read(parameter.type, value) if isinstance(value, str) else _kept(parameter.type, value)
    except (ValueError, SyntaxError, TypeError):
        kind = parameter.kind or "value"
        article = "" if parameter.choices else "an " if kind[0] in "aeiou" else "a "
        what = f"parameter {parameter.name} is {article}{kind}, not {reprlib.repr(value)}"
        raise UsageError(what, fix=f"as in -p {parameter.name}={parameter.said}") from None


def _chosen(choices: tuple[Any, ...], value: Any) -> Any:
    """The one that is meant; text stands for what reads like it."""
    for choice in choices:
        same = choice == value and type(choice) is type(value)
        if same or (isinstance(value, str) and str(choice) == value):
            return choice
    raise ValueError


def _read(kind: type | None, said: str) -> Any:
    """Text as a type: as the shell and magics give it."""
    if kind is bool:
        if said.lower() not in (*_TRUE, *_FALSE):
            raise ValueError
        return said.lower() in _TRUE
    if kind is int:
        return int(said)
    if kind is float:
        return float(said)
    if kind is str or (kind is None and said != "None"):
        return said
    if kind in (date, datetime):
        return kind.fromisoformat(said)
    value = ast.literal_eval(said)
    if kind is not None and value is not None and not isinstance(value, kind):
        raise ValueError
    return value


def _kept(kind: type | None, value: Any) -> Any:
    """A value of Python: what another process can be given as text, NumPy's own numbers too."""
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, (date, float)):
        ast.literal_eval(repr(value))  # raises for what is no literal
    if isinstance(value, bool) and kind in (int, float):
        raise ValueError
    if kind is date and isinstance(value, datetime):
        return _day(value)
    if value is None or kind is None or isinstance(value, kind):
        return value
    if kind is datetime and isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if kind is float and isinstance(value, int):
        return float(value)
    raise ValueError


def _day(moment: datetime) -> date:
    if moment.time() != time():
        raise ValueError
    return moment.date()


def source(values: dict[str, Any]) -> str:
    """Python that sets them: what papermill itself would turn into text keeps its type."""
    lines = ["# Parameters of this run"]
    if any(isinstance(value, date) for value in values.values()):
        lines.append("import datetime")
    if any(isinstance(value, Frame) for value in values.values()):
        lines.append(given_frames.READS)
    return "\n".join([*lines, *(f"{name} = {_code(value)}" for name, value in values.items())])


def _code(value: Any) -> str:
    if isinstance(value, Frame):
        return value.code
    if name := name_of(value):
        return f"__import__('os').environ[{name!r}]"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, datetime):
        return f"datetime.datetime.fromisoformat({value.isoformat()!r})"
    return repr(value)


def portable(values: dict[str, Any]) -> dict[str, Any]:
    """The values as JSON keeps them; `check` reads them back."""
    return {name: _portable(value) for name, value in values.items()}


def _portable(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return repr(value) if isinstance(value, (tuple, set, bytes, complex)) else value
