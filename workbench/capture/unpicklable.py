"""An object that no file can hold -> the refusal that says which part of it that is, why, and what to do instead."""

from __future__ import annotations

import io
import reprlib
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import CaptureRefused
from .bindings import Bindings
from .texts import attribute

_MOST = 20_000
_WHY = {
    "it is a lock between the threads of this process": ("lock", "RLock", "Condition", "Semaphore", "Event"),
    "each thread of this process has a value of its own in it": ("_local",),
    "its value belongs to one context of this process": ("ContextVar",),
    "it is half-way through what it gives": ("generator", "coroutine", "async_generator"),
    "the other side knows this process alone": ("Connection", "socket", "SSLSocket", "connection", "Engine"),
    "this process has it open": ("TextIOWrapper", "BufferedReader", "BufferedWriter", "BufferedRandom", "mmap"),
}
_INSTEAD = {
    "generator": "keep a list of its values: {name} = list({name})",
    "coroutine": "await it in a cell and keep what it gives",
    "Match": "keep what it found: {name} = {name}.group(0)",
    "memoryview": "keep its bytes: {name} = bytes({name})",
    "ReferenceType": "keep the object itself: {name} = {name}()",
    "StreamHandler": "leave it out: what runs has logs of its own, %workbench logs NAME",
    "OutStream": "call print() where it is needed: what runs has logs of its own, %workbench logs NAME",
    "module": "import the module by its name in a cell",
}


def unpicklable(known: Bindings, name: str, user: str, value: Any, error: Exception) -> CaptureRefused:
    """What is told of `name`, which pickling refused; `user` is what needs it."""
    made = name in known.made and bool(user)
    path, part = _culprit(value, str(error))
    own = name.removeprefix(f"_{user}_") if made else name
    inside = f"{own}{path} is {_a(part)}: " if path else ""
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return CaptureRefused(
        f"{own}{f' of {user}' if made else ''}, {_a(value)}, cannot come along: {inside}{_why(part)} ({said})",
        where=(known.place(user, name) if made else known.place(name)) or None,
        fix=_instead(type(part).__name__, name, said) or (_inside(user) if made else _in_load(known, name)),
    )


def _a(value: Any) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'AEIOUaeiou' or kind[:2] == 'RL' else 'a'} {kind}"


def _why(part: Any) -> str:
    kind = type(part).__name__
    return next((why for why, kinds in _WHY.items() if kind in kinds), "it lives in this process alone")


def _instead(kind: str, name: str, said: str) -> str:
    if "parametrized modules" in said:
        return "call torch.nn.utils.parametrize.remove_parametrizations on it, or make it in `load` of a class Model"
    return _INSTEAD.get(kind, "").format(name=name)


def _inside(user: str) -> str:
    return f"make it inside {user}, or make {user} in `def load(self)` of a class Model: self.{user} = …"


def _in_load(known: Bindings, name: str) -> str:
    found = known.statement(name)
    said = found[0] if found and "\n" not in found[0] and found[0].startswith(f"{name} =") else f"{name} = …"
    first = "read the file before and keep its contents, or " if _is_read(known.namespace.get(name)) else ""
    made = f"`def load(self): self.{said}`"
    return f"{first}make it in a class Model, {made}, whose predict(self, frame) uses self.{name}"


def _is_read(value: Any) -> bool:
    return isinstance(value, io.IOBase) and str(attribute(value, "mode", "")).startswith("r")


def _culprit(root: Any, said: str) -> tuple[str, Any]:
    """The part of an object that the words of the error are about, and how it is reached; the object itself, where
    none is found."""
    seen, pending = {id(root)}, deque([("", root)])
    while pending and len(seen) < _MOST:
        path, value = pending.popleft()
        if path and _is_meant(value, said):
            return path, value
        for step, part in _parts(value):
            if id(part) not in seen:
                seen.add(id(part))
                pending.append((f"{path}{step}", part))
    return "", root


def _is_meant(value: Any, said: str) -> bool:
    kind = type(value)
    qualname = attribute(value, "__qualname__")
    names = (f"{kind.__module__}.{kind.__qualname__}", kind.__qualname__, qualname)
    return any(isinstance(each, str) and (f"'{each}'" in said or f"<function {each} at" in said) for each in names)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"[{reprlib.repr(key)}]", part) for key, part in list(value.items()))
    elif isinstance(value, list | tuple):
        yield from ((f"[{i}]", part) for i, part in enumerate(value))
    held = attribute(value, "__dict__")
    if isinstance(held, dict) and not isinstance(value, type):
        yield from ((f".{key}", part) for key, part in list(held.items()))
