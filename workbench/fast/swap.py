"""An estimator -> the same object, whose methods answer by quick computations while they are `on`.

Only its class changes, to one of the same name that inherits from it, so whoever holds the object has it, and
`isinstance` holds. What a computation cannot answer, or a copy of the object is asked, the estimator's own method does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

Computation = Callable[[Any, Any], Any]
"""Of an estimator and its rows: the answer, or None for what it cannot or must not answer."""


class Swapped:
    """What is known of one estimator: its quick `methods`, whether they are `on`, and what they answered."""

    def __init__(self, name: str, methods: Mapping[str, Computation]) -> None:
        self.name, self.methods, self.on = name, methods, False
        self.answered: set[str] = set()

    def answer(self, estimator: Any, method: str, given: Any) -> Any:
        """The quick answer, or None."""
        if not self.on:
            return None
        try:
            found = self.methods[method](estimator, given)
        except Exception:  # noqa: BLE001 the estimator's own method says what is wrong, in its own words
            return None
        if found is not None:
            self.answered.add(method)
        return found


_swapped: WeakKeyDictionary[Any, Swapped] = WeakKeyDictionary()


def of(estimator: Any) -> Swapped | None:
    """What is known of an estimator that was swapped."""
    try:
        return _swapped.get(estimator)
    except TypeError:  # a step may be a word
        return None


def swap(estimator: Any, methods: Mapping[str, Computation]) -> Swapped:
    """Let these of its methods be answered quickly, once they are switched on."""
    swapped = Swapped(type(estimator).__name__, methods)
    own: Any = type(estimator)
    estimator.__class__ = _class(own, frozenset(methods))
    _swapped[estimator] = swapped
    return swapped


@lru_cache(maxsize=256)
def _class(own: Any, methods: frozenset[str]) -> Any:
    same = {name: getattr(own, name) for name in ("__module__", "__qualname__", "__doc__")}
    made = type(own)(own.__name__, (own,), {**same, "__reduce_ex__": _as_its_own})
    for name in methods:  # after scikit-learn has wrapped what a new class defines
        setattr(made, name, _method(made, own, name))
    return made


def _as_its_own(estimator: Any, protocol: Any) -> Any:
    """How it is copied and pickled: as what it was."""
    made = type(estimator)
    return (object.__new__, (made.__mro__[1],), *super(made, estimator).__reduce_ex__(protocol)[2:])


def _method(made: Any, own: Any, name: str) -> Any:
    @functools.wraps(getattr(own, name))
    def quick(self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and (swapped := of(self)) is not None:
            found = swapped.answer(self, name, args[0])
            if found is not None:
                return found
        return getattr(super(made, self), name)(*args, **kwargs)

    return quick
