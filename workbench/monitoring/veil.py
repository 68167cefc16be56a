"""Columns that no log may hold as they are: hidden ones stay away, hashed ones are there as digests."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any


class Veil:
    """What is `hidden`, and what `hashed`: as a digest that is the same for the same value, with this key."""

    def __init__(self, hidden: Iterable[str] = (), hashed: Iterable[str] = (), key: bytes = b"") -> None:
        self.hidden, self.hashed, self._key = frozenset(hidden), frozenset(hashed), key
        self.covered = self.hidden | self.hashed

    def __bool__(self) -> bool:
        return bool(self.covered)

    def columns(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """The columns as they may be kept."""
        shown = {name: values for name, values in columns.items() if name not in self.hidden}
        for name in self.hashed & shown.keys():
            shown[name] = [None if _is_missing(value) else self._digest(value) for value in shown[name]]
        return shown

    def said(self, said: str, columns: Mapping[str, Any]) -> str:
        """What went wrong, without a value of these columns: a refusal shows the one that does not fit."""
        values = (value for name in self.covered for value in columns.get(name, ()))
        for form in sorted({form for value in values for form in _forms(value)}, key=len, reverse=True):
            said = said.replace(form, "…")
        return said

    def _digest(self, value: Any) -> str:
        whole = isinstance(value, float) and value.is_integer()  # 41.0 is 41, however a client writes it
        return hmac.digest(self._key, str(int(value) if whole else value).encode(), "sha256").hex()[:16]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _forms(value: Any) -> tuple[str, ...]:
    """How a message may show a value."""
    return () if _is_missing(value) or not str(value) else (repr(value), str(value))
