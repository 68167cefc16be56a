"""What answers of a loaded model -> the estimators that it can ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from .known import methods

_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_STEPS = {"Pipeline": "steps", "ColumnTransformer": "transformers_"}


def estimators(package: str, function: Any) -> list[Any]:
    """The estimators that a function reaches: by the names that it and the functions of its package read, in
    containers, closures and the package's own objects, and in pipelines."""
    return [thing for thing in _reached(function, package) if _is_estimator(thing)]


def _is_estimator(thing: Any) -> bool:
    """Whether it is fitted and has parameters, as scikit-learn's and those of who follows it."""
    return not isinstance(thing, type) and all(hasattr(type(thing), name) for name in ("fit", "get_params"))


def _reached(root: Any, package: str) -> Iterator[Any]:
    """All things on the way, each once."""
    waiting, seen = [root], set[int]()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _PLAIN):
            continue
        seen.add(id(thing))
        yield thing
        waiting += _held(thing, package)


def _held(thing: Any, package: str) -> list[Any]:
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, list | tuple | set | frozenset):
        return list(thing)
    if isinstance(thing, partial):
        return [thing.func, thing.args, thing.keywords]
    if isinstance(thing, MethodType):
        return [thing.__self__, thing.__func__]
    if isinstance(thing, FunctionType):
        return [*_of_function(thing, package)]
    if _is_estimator(thing):
        return _parts(thing)
    named = thing if isinstance(thing, ModuleType | type) else type(thing)
    if not _belongs(named.__name__ if isinstance(named, ModuleType) else named.__module__, package):
        return []
    return [*getattr(thing, "__dict__", {}).values(), *(named.__mro__[:-1] if isinstance(named, type) else ())]


def _belongs(module: Any, package: str) -> bool:
    return str(module) == package or (str(module).startswith(f"{package}.") and f"{package}._wb" not in str(module))


def _of_function(function: FunctionType, package: str) -> Iterator[Any]:
    """What it closes over and is given by default; of the package's own also the globals that it names."""
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # nothing is in it yet
            yield cell.cell_contents
    yield from (function.__defaults__ or (), function.__kwdefaults__ or {})
    if _belongs(function.__globals__.get("__name__"), package):
        yield from (function.__globals__[name] for name in _names(function.__code__) if name in function.__globals__)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _parts(estimator: Any) -> list[Any]:
    """The steps of a pipeline; all that an unknown one holds, since it may be made of others. A forest asks its trees
    in its own way."""
    if (name := _STEPS.get(type(estimator).__name__)) is not None:
        return [step[1] for step in getattr(estimator, name, ())]
    return [] if methods(estimator) else list(getattr(estimator, "__dict__", {}).values())
