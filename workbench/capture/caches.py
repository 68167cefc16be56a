"""The filled cache of a function -> whether it would answer the same now: a model starts with an empty one."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .digest import Cached, Digester
from .imports import is_local
from .names import uses
from .refusals import other_answers, stale_cache
from .texts import attribute, function_text, unwrapped

if TYPE_CHECKING:
    from .bindings import Bindings

_BY_VALUE = (bool, int, float, complex, str, bytes, type(None), type)
_MOST = 500
_SECONDS = 1.0


def refuse_a_stale_cache(known: Bindings, name: str, value: Any, since: str = "") -> None:
    """Refuse a filled cache that may be older than what it was made from, names that were bound and objects that were
    changed since, unless each of its answers, asked again, is what it holds."""
    if not isinstance(value, Cached) or not value.cache_info().currsize:
        return
    places = ((used, known.touched_since(used, since or name)) for used in sorted(_reached(known, value)))
    touched = next(((used, place) for used, place in places if place), None)
    if (not touched and not _is_of_objects(value)) or _answers_again(value):
        return
    said = name if since else known.name_of(value) or name
    clear = "" if said.partition(".")[0] in known.made else said
    if touched and clear:
        raise stale_cache(clear, *touched, known.place(since or name))
    raise other_answers(unwrapped(value).__qualname__.rpartition(">.")[2], known.place(since or name), clear)


def refuse_stale_caches_of(module: Any) -> None:
    """Likewise for the caches of a local module, over objects that it was given."""
    inside = [(f"{module.__name__}.{key}", value) for key, value in vars(module).items()]
    classes = [(name, c) for name, c in inside if isinstance(c, type) and c.__module__ == module.__name__]
    methods = [(f"{name}.{key}", held) for name, cls in classes for key, held in cached_methods(cls)]
    for name, value in (*inside, *methods):
        if isinstance(value, Cached) and is_local(module) and not _answers_again(value, only_objects=True):
            raise other_answers(name, str(module.__file__), name)


def cached_methods(cls: type) -> Iterator[tuple[str, Any]]:
    for key, held in vars(cls).items():
        inner = attribute(held, "__func__", attribute(held, "fget", held))
        if isinstance(inner, Cached):
            yield key, inner


def _is_of_objects(value: Any) -> bool:
    """Whether a cache depends on what no name of the notebook tells: it is of a closure, or was asked of objects."""
    mark = _mark(value)
    closes = bool(attribute(unwrapped(value), "__closure__"))
    return closes or any(not _is_by_value(_plain(key, mark)) for key, _ in _entries(value))


def _is_by_value(key: Any) -> bool:
    return all(map(_is_by_value, key)) if isinstance(key, tuple | frozenset) else isinstance(key, _BY_VALUE)


def _answers_again(value: Any, *, only_objects: bool = False) -> bool:
    """Whether a cache holds what its function answers now to each of its questions; False where that takes long."""
    until, mark = time.monotonic() + _SECONDS, _mark(value)
    entries = [(key, held) for key, held in _entries(value) if not only_objects or not _is_by_value(_plain(key, mark))]
    if len(entries) > _MOST or (value.cache_parameters()["typed"] and entries):
        return False
    digester = Digester({"__main__"}, {})
    for key, held in entries:
        try:
            now = _asked(value.__wrapped__, key, mark)
        except Exception:  # noqa: BLE001 (what it cannot answer any more, a model cannot either)
            return False
        if digester.of(now) != digester.of(held) or time.monotonic() > until:
            return False
    return True


def _entries(value: Any) -> list[tuple[Any, Any]]:
    """The questions and answers that an `lru_cache` holds, which only the garbage collector is told of."""
    held = gc.get_referents(value)
    table: dict[Any, Any] = next(d for d in held if type(d) is dict and d is not vars(value))
    if value.cache_parameters()["maxsize"] is None:
        return list(table.items())
    answers = {id(key): held[place + 1] for place, key in enumerate(held[: held.index(table)])}
    return [(key, answers[id(key)]) for key in table]


def _mark(value: Any) -> Any:
    """What stands between the positional and the named arguments of a question."""
    return next((held for held in gc.get_referents(value) if type(held) is object), None)


def _plain(key: Any, mark: Any) -> Any:
    return tuple(part for part in key if part is not mark) if isinstance(key, tuple) else key


def _asked(function: Any, key: Any, mark: Any) -> Any:
    parts = list(key) if isinstance(key, tuple) else [key]
    place = next((i for i, part in enumerate(parts) if part is mark), len(parts))
    named = parts[place + 1 :]
    return function(*parts[:place], **dict(zip(named[::2], named[1::2], strict=True)))


def _reached(known: Bindings, value: Any) -> set[str]:
    """The globals that a function reads, itself or through functions that it calls."""
    found: set[str] = set()
    pending = [unwrapped(value)]
    while pending:
        function = pending.pop()
        text = function_text(function, known.session) if isinstance(function, FunctionType) else None
        if text is None:
            continue
        new = {n for n in uses(text.source).all if n in known.namespace} - found
        found |= new
        pending += [unwrapped(v) for n in new if callable(v := known.namespace[n])]
    return found
