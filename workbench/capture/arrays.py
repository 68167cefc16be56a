"""Arrays of somebody's own class -> pickles that keep their attributes, which the pickle of an array leaves out."""

from __future__ import annotations

import operator
import sys
from typing import Any

from .sides import Call


def loses_attributes(value: Any) -> bool:
    """Whether it is an array of somebody's own class, with attributes that the pickle of an array leaves out."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray) or type(value).__module__.startswith("numpy"):
        return False
    own = any(getattr(type(value), name) is not getattr(numpy.ndarray, name) for name in _PICKLED_BY)
    return not own and bool(getattr(value, "__dict__", None))


_PICKLED_BY = ("__reduce__", "__reduce_ex__", "__setstate__")


def with_attributes(value: Any) -> tuple[Any, ...]:
    """The array, once its attributes are set again: the first of a pair of which the second does so."""
    array = _Array(value)
    update = Call(getattr, Call(getattr, array, "__dict__"), "update")
    return operator.getitem, ((array, Call(operator.call, update, vars(value))), 0)


class _Array:
    """Pickles as an array pickles by itself."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __reduce__(self) -> Any:
        return self._value.__reduce__()
