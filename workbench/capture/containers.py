"""Lists, dicts and sets of the notebook -> their text, in which what has a name of its own, or stands in two places,
stays one object."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from .bindings import Bindings, is_history
from .literals import is_immutable, literal

_CONTAINERS = (list, dict, set, tuple)
_MOST = 100_000
"""So many parts of one container are looked at; a larger one is data, and a file of its own."""
_LONG = 50_000


class Containers:
    """Knows which containers stand in two places of the notebook's data."""

    def __init__(self, known: Bindings) -> None:
        self._known = known
        self._shared: set[int] | None = None

    def text(self, name: str, value: Any) -> tuple[str, set[str]] | None:
        """The text of a container and the names that it needs; None where it has no such text."""
        if type(value) not in _CONTAINERS or is_immutable(value):
            return None
        if self._shared is None:
            self._shared = self._in_two_places()
        needs: set[str] = set()

        def refer(part: Any) -> str | None:
            return self._referred(needs, name, value, part)

        self._shared |= {id(part) for part in _held_elsewhere(value)}
        holds_shared = any(id(part) in self._shared for part in _parts(value))
        text = literal(value, refer, longest=_LONG if holds_shared else None)
        return None if text is None else (text, needs)

    def _referred(self, needs: set[str], name: str, root: Any, part: Any) -> str | None:
        if part is root or (isinstance(part, _CONTAINERS) and any(inner is root for inner in _parts(part))):
            return None
        if isinstance(part, list | dict | set):
            named = self._known.name_of(part) or id(part) in (self._shared or ()) or self._known.is_pickled(part)
            return self._known.refer(needs, f"{name}_part", part) if named else None
        if isinstance(part, FunctionType | type | BuiltinFunctionType | ModuleType):
            return self._known.refer(needs, getattr(part, "__name__", name).strip("<>"), part)
        return self._known.name_of(part) and self._known.refer(needs, name, part)

    def _in_two_places(self) -> set[int]:
        seen: set[int] = set()
        twice: set[int] = set()
        for name, value in self._known.session.namespace.items():
            if isinstance(value, _CONTAINERS) and not is_history(name):
                for part in _parts(value):
                    (twice if id(part) in seen else seen).add(id(part))
        return twice


def shared_containers(known: Bindings) -> dict[int, str]:
    """The lists, dicts and sets under a name that something else holds as well, by identity."""
    found: dict[int, str] = {}
    for name, value in known.session.namespace.items():
        # held by the namespace, by `value` and by the call itself
        if type(value) in (list, dict, set) and not is_history(name) and sys.getrefcount(value) > 3:
            found.setdefault(id(value), name)
    return found


def made_containers(known: Bindings) -> dict[int, str]:
    """Likewise those that got a name for `model.py`."""
    return {id(value): name for name, value in known.made.items() if type(value) in (list, dict, set)}


def _held_elsewhere(value: Any) -> Iterator[Any]:
    """The parts of a container that something else holds as well: an object that is pickled, for one."""
    for part in _parts(value):
        # held by their container, the generator, this loop and the call itself
        if sys.getrefcount(part) > 4:
            yield part


def _parts(value: Any) -> Iterator[Any]:
    """The containers inside a container that can change, each as often as it stands there."""
    pending, left, inside = [value], _MOST, {id(value)}
    while pending:
        container = pending.pop()
        for part in container.values() if isinstance(container, Mapping) else container:
            left -= 1
            if left < 0:
                return
            if isinstance(part, _CONTAINERS):
                if not isinstance(part, tuple):
                    yield part
                if id(part) not in inside:
                    inside.add(id(part))
                    pending.append(part)
