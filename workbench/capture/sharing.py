"""Objects that two pickles hold, and no name -> one object still: the second pickle names a part of the first.

A part is the number that its pickler gave it, which is the one that the unpickler gives it too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pickle import Pickler
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

_FIXED = (
    *(str, bytes, tuple, frozenset, int, float, complex, range, slice, type(None)),
    *(type, FunctionType, BuiltinFunctionType, MethodType, ModuleType),
)
_FIXED_HOMES = {"datetime", "decimal", "enum", "fractions", "numpy.dtypes", "pathlib", "re", "uuid", "workbench"}


def can_change(value: object) -> bool:
    """Whether it matters that an object is this very one."""
    if isinstance(value, _FIXED) or type(value).__module__.partition(".")[0] in _FIXED_HOMES:
        return False
    numpy: Any = sys.modules.get("numpy")
    return numpy is None or not isinstance(value, (numpy.generic, numpy.dtype))


class Entangled(Exception):
    """An object stands in the pickle `name` as well, which refers to the one that is being written: that one first."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Sharing:
    """Knows the objects of all pickles that were written: `wanted` are the parts that others name, by pickle."""

    def __init__(self) -> None:
        self.wanted: dict[str, set[int]] = {}
        self.needs: Callable[[str, str], bool] = lambda name, other: False
        """Whether one name needs another in any way, by the text of a class, for one."""
        self._picklers: dict[str, Pickler] = {}
        self._parts: dict[int, tuple[str, int, object]] = {}
        self._uses: dict[str, set[str]] = {}
        self._referred: dict[str, set[int]] = {}
        self._done: set[str] = set()

    def begun(self, name: str, pickler: Pickler, uses: set[str], referred: set[int]) -> None:
        """`pickler` is about to write the value of `name`, and to refer to other values: by name in `uses`, by identity
        in `referred`, which it does not hold."""
        self._picklers[name], self._uses[name], self._referred[name] = pickler, uses, referred

    def ended(self, name: str) -> None:
        """It has written all: what it holds is looked at once another is written, if any is."""
        self._done.add(name)

    def look(self) -> None:
        """Look at all that was written so far."""
        for name in list(self._picklers):
            self._absorb(name, self._picklers[name])
            if name in self._done:
                del self._picklers[name]

    def holds(self, value: object) -> bool:
        """Whether a pickle holds a value that can change."""
        self.look()
        return id(value) in self._parts

    def values(self) -> list[tuple[str, object]]:
        """All values that can change, with the name of the pickle that holds them."""
        self.look()
        return [(name, value) for name, _, value in self._parts.values()]

    def wanted_by(self, name: str, value: object) -> tuple[str, int] | None:
        """The part that the pickle of `name` must refer to; Entangled where that cannot be."""
        if (found := self._parts.get(id(value))) is None or found[0] == name:
            return None
        if name in self._reached(found[0]) or self.needs(found[0], name):
            raise Entangled(found[0])
        self.wanted.setdefault(found[0], set()).add(found[1])
        return found[:2]

    def forget(self, name: str) -> list[str]:
        """Take a pickle back, and all that were written since; their names, to be written again."""
        names = list(self._uses)
        again = names[names.index(name) :]
        for each in again:
            del self._uses[each]
            self._picklers.pop(each, None)
            self.wanted.pop(each, None)
        self._parts = {key: part for key, part in self._parts.items() if part[0] not in again}
        return again

    def forget_from(self, names: set[str]) -> list[str]:
        """Take the first of these back that was written, and all since; the others among them, to be written again."""
        first = next((name for name in self._uses if name in names), None)
        return [name for name in self.forget(first) if name not in names] if first else []

    def _absorb(self, name: str, pickler: Pickler) -> None:
        memo: dict[int, tuple[int, object]] = pickler.memo.copy()
        for key, (number, value) in memo.items():
            if key not in self._referred[name] and can_change(value):
                self._parts.setdefault(key, (name, number, value))  # kept, so that nothing else gets its id

    def _reached(self, name: str) -> set[str]:
        found, pending = set[str](), [name]
        while pending:
            pending += (new := self._uses.get(pending.pop(), set()) - found)
            found |= new
        return found
