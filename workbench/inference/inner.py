"""Functions that a module made while it ran, which no name of it finds: closures, lambdas -> made again of its code."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any


def _called(module: ModuleType, qualname: str) -> list[CodeType]:
    """The codes in a module that have this qualified name, in the order of its text."""
    code = vars(module)["__spec__"].loader.get_code(module.__name__)
    return [each for each in _inside(code) if each.co_qualname == qualname]


def _inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _inside(constant)


def made(path: str, qualname: str, number: int, cells: tuple[CellType, ...]) -> FunctionType:
    """The function over these cells whose code is that `number` of this name in the module at `path`."""
    module = importlib.import_module(path)
    return FunctionType(_called(module, qualname)[number], vars(module), closure=cells)


def settled(function: FunctionType, said: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Give it what Python keeps of a function, its defaults for one, and the attributes that it had."""
    settings, attributes = said
    for name, value in settings.items():
        setattr(function, name, value)
    function.__dict__.update(attributes)


def filled(cell: CellType, content: tuple[Any, ...]) -> None:
    """Put into a cell what it held, if anything."""
    for value in content:
        cell.cell_contents = value
