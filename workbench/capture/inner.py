"""A function that a module made while it ran -> how the bundle makes it again, of the code in the module's file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import reduce
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from ..errors import CaptureRefused
from .imports import is_local
from .refusals import module_changed
from .texts import all_code, same_code

Reduced = tuple[Any, ...]
_SETTINGS = ("__name__", "__qualname__", "__defaults__", "__kwdefaults__", "__annotations__", "__doc__")


def captured_inner(path: str, qualname: str, number: int, cells: tuple[CellType, ...]) -> FunctionType:
    """In a pickle: the function over these cells. Resolved by the bundle."""
    raise _only_there(qualname)


def captured_settings(function: FunctionType, said: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """In a pickle: what was set on such a function. Resolved by the bundle."""
    raise _only_there(function.__qualname__)


def captured_cell() -> CellType:
    """In a pickle: an empty cell. Resolved by the bundle."""
    raise _only_there("a cell")


def captured_content(cell: CellType, content: tuple[Any, ...]) -> None:
    """In a pickle: what a cell held. Resolved by the bundle."""
    raise _only_there("a cell")


PLACEHOLDERS: tuple[Callable[..., Any], ...] = (captured_inner, captured_settings, captured_cell, captured_content)


def _only_there(what: str) -> CaptureRefused:
    return CaptureRefused(f"{what} exists only inside its bundle", fix="load the bundle, not its files")


def reduced(function: FunctionType) -> tuple[str, Reduced] | None:
    """The path of the module and the reduction of a function that a module made; None for one that is found by its
    name, or that the notebook made. CaptureRefused where the module's file says something else by now."""
    name = function.__code__.co_qualname
    module = sys.modules.get(str(function.__globals__.get("__name__")))
    if not isinstance(module, ModuleType) or vars(module) is not function.__globals__ or module.__name__ == "__main__":
        return None
    at_home: Any = sys.modules.get(function.__module__)
    if reduce(_part, function.__qualname__.split("."), at_home) is function:
        return None
    same = [same_code(function.__code__, code) for code in _codes(module) if code.co_qualname == name]
    if not any(same) and not is_local(module):  # made of a text, as dataclasses do
        return None
    if not any(same):
        what = f"{name} is not the one that is used here"
        raise module_changed(module.__name__, what, str(getattr(module, "__file__", "")))
    said = {setting: getattr(function, setting) for setting in _SETTINGS}, vars(function)
    made = (module.__name__, name, same.index(True), function.__closure__ or ())
    return module.__name__, (captured_inner, made, said, None, None, captured_settings)


def reduced_cell(cell: CellType) -> Reduced:
    """A cell, which is one however many functions share it; empty before its variable was set."""
    try:
        content: tuple[Any, ...] = (cell.cell_contents,)
    except ValueError:
        content = ()
    return captured_cell, (), content, None, None, captured_content


def _codes(module: ModuleType) -> Iterable[CodeType]:
    """All that its file says now; nothing where it has no text."""
    file = Path(str(getattr(module, "__file__", None)))
    return all_code(file.read_text(encoding="utf-8")) if file.suffix == ".py" and file.is_file() else ()


def _part(owner: Any, name: str) -> Any:
    return getattr(owner, name, None)
