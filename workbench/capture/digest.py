"""A live object -> a digest of all that it holds, which is the same for an equal object in another process.

What cannot be told from outside, a connection, a lock, counts as nothing but its class: who imports it makes it anew.
"""

from __future__ import annotations

import copyreg
import functools
import hashlib
import os
import threading
import types
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import PurePath
from types import FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

from .texts import attribute

_PLAIN = (bool, int, float, complex, bytes, bytearray, memoryview, type(None), type(Ellipsis), type(NotImplemented))
_SEQUENCES = (list, tuple)
_SETS = (set, frozenset)
_SCALARS = {bool, int, float, str, type(None)}
_LARGE = 1000
Cached: Any = type(functools.lru_cache(lambda: None))
_LONGEST_PATH = 300
_BASES: tuple[Any, ...] = (dict, list, set, frozenset, tuple, str, bytes, int, float)


class Digester:
    """Gives digests. `ours` are the top-level modules whose classes and functions are looked into; `words` what stands
    for another word in text: folders and module names that a process has of its own."""

    def __init__(self, ours: Iterable[str], words: Mapping[str, str]) -> None:
        self.ours = frozenset(ours)
        self._words = sorted(words.items(), key=lambda pair: -len(pair[0]))

    def of(self, value: object) -> str:
        walk = _Walk(self)
        walk.see(value)
        return hashlib.blake2b("\n".join(walk.told).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

    def text(self, said: str) -> str:
        """Text as it is in every process; of a path that leads somewhere, the last part."""
        for word, stands in self._words:
            said = said.replace(word, stands)
        looks = len(said) < _LONGEST_PATH and (os.sep in said or "." in said) and "\n" not in said
        return os.path.basename(said.rstrip(os.sep)) if looks and os.path.exists(said) else said

    def is_ours(self, thing: Any) -> bool:
        return self.text(str(getattr(thing, "__module__", ""))).partition(".")[0] in self.ours


class _Walk:
    """One walk through an object: what is met a second time is named by its number."""

    def __init__(self, digester: Digester) -> None:
        self.told: list[str] = []
        self._digester = digester
        self._numbers: dict[int, tuple[int, object]] = {}
        self._packages = 0
        self._kinds: list[tuple[Any, Callable[[Any], None]]] = [
            (type, self._class),
            ((types.BuiltinFunctionType, ModuleType), lambda value: self.tell("named", _path(value))),
            (FunctionType, self._function),
            (Cached, lambda value: self._parts("cached", [value.__wrapped__])),
            (property, lambda value: self._parts("property", [value.fget, value.fset, value.fdel])),
            ((classmethod, staticmethod), lambda value: self._parts(type(value).__name__, [value.__func__])),
            (MethodType, lambda value: self._parts("method", [value.__func__, value.__self__])),
            (PurePath, lambda value: self.tell("path", str(value))),
            (weakref.ref, lambda value: self._parts("weak", [value()])),
            (ContextVar, lambda value: self._parts("context", [value.name, value.get(None)])),
            (GeneratorType, self._generator),
            (threading.local, lambda value: self._parts("local", [vars(value)])),
            (types.MappingProxyType, lambda value: self._parts("view", [dict(value)])),
        ]

    def tell(self, kind: str, said: object = "") -> None:
        self.told.append(f"{kind} {self._digester.text(str(said))}")

    def see(self, value: Any) -> None:
        kind = type(value)
        if kind is str:
            self.tell("str", value)
        elif kind in _PLAIN:
            self._plain(value)
        elif kind not in (tuple, frozenset) and id(value) in self._numbers:
            self.tell("again", self._numbers[id(value)][0])
        else:
            self._numbers[id(value)] = len(self._numbers), value  # kept, so that its number stays its own
            self._look(value)

    def _plain(self, value: Any) -> None:
        own = type(value) is int and value == os.getpid()
        large = isinstance(value, bytes | bytearray | memoryview)
        self.tell(type(value).__name__, "pid" if own else _sum(value) if large else repr(value))

    def _look(self, value: Any) -> None:
        begun = len(self.told)
        try:
            self._told_by_kind(value)
        except Exception:  # (whatever somebody's own methods raise)
            if self._packages:
                raise
            del self.told[begun:]
            self.tell("opaque", _path(type(value)))

    def _told_by_kind(self, value: Any) -> None:
        kind = type(value)
        if kind in _SEQUENCES or kind in _SETS or kind is dict:
            self._container(value)
            return
        if tell := next((tell for kinds, tell in self._kinds if isinstance(value, kinds)), None):
            tell(value)
        elif parts := _of_a_library(value):
            self._parts(_path(kind), parts)
        elif self._digester.is_ours(kind):
            self._parts(f"{kind.__module__}.{kind.__name__}", content(value))
        else:
            self._parts(_path(kind), _reduced(value), inside=True)

    def _parts(self, kind: str, parts: Iterable[Any], *, inside: bool = False) -> None:
        self.tell("begin", kind)
        self._packages += inside
        try:
            for part in parts:
                self.see(part)
        finally:
            self._packages -= inside
        self.tell("end")

    def _container(self, value: Any) -> None:
        flat = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        if len(value) > _LARGE and not isinstance(value, _SETS) and {type(v) for v in flat} <= _SCALARS:
            self.tell(type(value).__name__, _sum(repr(value).encode("utf-8", "surrogatepass")))
        elif isinstance(value, dict):
            self._parts("dict", (part for pair in list(value.items()) for part in pair))
        elif isinstance(value, _SETS):
            self.tell(type(value).__name__, sorted(map(self._digester.of, value)))
        else:
            self._parts(type(value).__name__, list(value))

    def _class(self, cls: Any) -> None:
        ours = self._digester.is_ours(cls)
        self.tell("class", f"{cls.__module__}.{cls.__name__}" if ours else _path(cls))
        if ours:
            self._parts("holds", (part for pair in sorted(class_attributes(cls).items()) for part in pair))

    def _function(self, function: FunctionType) -> None:
        ours = self._digester.is_ours(function)
        self.tell("function", f"{function.__module__}.{function.__name__}" if ours else _path(function))
        if registry := vars(function).get("registry"):  # singledispatch, which keeps what it was asked beside
            self._parts("dispatching", [dict(registry)])
        elif ours:
            cells = [_content_of(cell) for cell in function.__closure__ or ()]
            self._parts("holds", [function.__defaults__, function.__kwdefaults__, cells, vars(function)])

    def _generator(self, value: Any) -> None:
        frame = value.gi_frame
        place = (frame.f_lasti, dict(frame.f_locals)) if frame else None
        self._parts("generator", [value.__qualname__, place])


def _path(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '')}.{attribute(thing, '__qualname__', getattr(thing, '__name__', ''))}"


def _sum(content: Any) -> str:
    return f"{memoryview(content).nbytes} {zlib.crc32(content):x}"


def _content_of(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _of_a_library(value: Any) -> list[Any] | None:
    """The parts of an array, a frame or a tensor, whose own pickles tell how they came about as well."""
    kind = type(value)
    root = kind.__module__.partition(".")[0]
    if root == "torch" and hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if hasattr(value, "dtype") and hasattr(value, "tobytes"):
        plain = not value.dtype.hasobject
        return [str(value.dtype), list(value.shape), value.tobytes() if plain else value.tolist()]
    if root == "pandas" and hasattr(value, "columns") and hasattr(value, "iloc"):
        return [list(value.columns), value.index, *(value.iloc[:, i].array for i in range(value.shape[1]))]
    if root == "pandas" and hasattr(value, "array") and hasattr(value, "name"):
        index = [] if value.array is value or not hasattr(value, "index") else [value.index]
        return [value.name, value.array, *index]
    if root == "pandas" and hasattr(value, "to_numpy") and hasattr(value, "dtype"):
        return [str(value.dtype), value.to_numpy(dtype=object).tolist()]
    return None


def _reduced(value: Any) -> Iterator[Any]:
    """What a pickle would hold; TypeError of a lock, a socket, a thread."""
    reducer: Any = copyreg.dispatch_table.get(type(value))
    found = reducer(value) if reducer else value.__reduce_ex__(4)
    for part in [found] if isinstance(found, str) else found:
        yield list(part) if isinstance(part, Iterator) else part


def content(value: Any) -> Iterator[Any]:
    """What an object holds: itself as the container that it is, and its attributes after their names."""
    yield from (base(value) for base in _BASES if isinstance(value, base))
    for name, held in sorted(attributes(value).items()):
        yield name
        yield held


def class_attributes(cls: type) -> dict[str, Any]:
    """What a class holds by name, without what Python and packages keep in it for themselves."""
    return {key: held for key, held in vars(cls).items() if not key.startswith(("__", "_abc_", "_is_", "_sklearn"))}


def attributes(value: Any) -> dict[str, Any]:
    """The attributes of an object by name, those in slots too."""
    slots = copyreg._slotnames(type(value))  # type: ignore[attr-defined]
    return {**(attribute(value, "__dict__") or {}), **{n: getattr(value, n) for n in slots if hasattr(value, n)}}
