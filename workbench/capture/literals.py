"""A small plain value -> the Python text that gives it back exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

_LONGEST = 400
_LONGEST_SET = 200_000  # a pickled set of words has another order in each process, so it would never be unchanged
_DEEPEST = 8


def is_immutable(value: object) -> bool:
    """Whether nothing inside a plain value can change, so that a copy is as good as the object itself."""
    if isinstance(value, tuple | frozenset):
        return all(is_immutable(item) for item in value)
    return not isinstance(value, list | dict | set)


class _NotPlain(Exception):
    """The value has no such text."""


def literal(
    value: object, refer: Callable[[object], str | None] | None = None, *, longest: int | None = None
) -> str | None:
    """The text of a short number, string, None, or tuple, list, dict or set of such; None for all else.

    `refer` gives the expression for a part that is a container or has no such text; None to write it as it is.
    """
    usual = _LONGEST_SET if isinstance(value, set | frozenset) else _LONGEST
    room = _Room(longest or usual, refer or (lambda _: None))
    try:
        return room.text(value, 0)
    except (_NotPlain, ValueError):  # ValueError: Python refuses to print a number of that many digits
        return None


class _Room:
    """Writes a value while there is room left for its text."""

    def __init__(self, longest: int, refer: Callable[[object], str | None]) -> None:
        self._left, self._refer = longest, refer

    def text(self, value: object, depth: int) -> str:
        if depth > _DEEPEST:
            raise _NotPlain
        kind = type(value)
        if depth and kind in (list, dict, set) and (expression := self._refer(value)):
            return expression
        if kind in (tuple, list):
            inner = self._joined(value, depth)  # type: ignore[arg-type]
            return f"[{inner}]" if kind is list else f"({inner},)" if len(value) == 1 else f"({inner})"  # type: ignore[arg-type]
        if isinstance(value, dict) and kind is dict:
            pairs = (f"{self.text(k, depth + 1)}: {self.text(v, depth + 1)}" for k, v in value.items())
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, set | frozenset) and kind in (set, frozenset):
            inner = ", ".join(sorted(self.text(item, depth + 1) for item in value))
            text = f"{{{inner}}}" if inner else "set()"
            return text if kind is set else f"frozenset({text})"
        if depth and kind not in (bool, int, float, str, bytes, type(None)) and (expression := self._refer(value)):
            return expression
        return self._plain(value, kind)

    def _joined(self, values: Iterable[object], depth: int) -> str:
        return ", ".join(self.text(item, depth + 1) for item in values)

    def _plain(self, value: object, kind: type) -> str:
        if kind is float and not math.isfinite(value):  # type: ignore[arg-type]
            raise _NotPlain
        if value is not None and value is not Ellipsis and kind not in (bool, int, float, str, bytes):
            raise _NotPlain
        if isinstance(value, str | bytes) and len(value) > self._left:
            raise _NotPlain
        text = repr(value)
        self._left -= len(text) + 2
        if self._left < 0:
            raise _NotPlain
        return text
