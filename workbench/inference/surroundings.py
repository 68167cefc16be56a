"""What a notebook set around its model, in installed packages -> the same around each of its answers, and only there.

`__settings__` of a captured module are functions that give context managers: `sklearn.config_context(…)`;
`__patches__` are attributes that the notebook gave installed modules and classes: `(pandas.DataFrame, "peek", peek)`.
"""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

from . import parts
from .awaiting import finished
from .predictor import entry_function

_ABSENT = object()
_switching = threading.Lock()
_held: dict[tuple[Any, int], list[Any]] = {}
"""What each switch was before, and what those who hold it want, the last of them last."""


def captured_function(module: ModuleType, entry: str, kind: str) -> Callable[[Any], Any]:
    """What answers, of the captured module, with all that its notebook had set around it. Raises ModelFailed."""
    settings, patches = vars(module).get("__settings__", ()), vars(module).get("__patches__", ())
    learned = vars(module).get("__learned__")
    if not settings and not patches:
        return entry_function(getattr(module, entry), kind, learned)
    around = _Around(settings, _Patched(patches))
    with around.entered():
        function = entry_function(getattr(module, entry), kind, learned)
    return around.wrapped(function)


def method(function: Callable[[Any], Any], name: str) -> Callable[..., Any] | None:
    """Another method of the object that answers, with all that is set around that; None where it has none."""
    plain = inspect.unwrap(function)
    owner = getattr(plain, "__self__", plain)
    found = None if isinstance(owner, ModuleType) else getattr(owner, name, None)
    if not callable(found):
        return None
    around: _Around | None = getattr(function, "around", None)
    return around.wrapped(found) if around else found


@contextmanager
def held(
    read: Callable[[], Any], set_: Callable[[Any], object], value: Any, *, by_thread: bool = False
) -> Iterator[None]:
    """A switch of this process, or `by_thread` of each of its threads, is `value` meanwhile, whoever else holds it:
    `held(sys.getrecursionlimit, sys.setrecursionlimit, 5_000)`."""
    key = set_, threading.get_ident() if by_thread else 0
    with _switching:
        values = _held.setdefault(key, [read()])
        values.append(value)
        set_(value)
    try:
        yield
    finally:
        with _switching:
            values.reverse()
            values.remove(value)
            values.reverse()
            set_(values[-1])
            if len(values) == 1:
                del _held[key]


@contextmanager
def warned(*filters: tuple[Any, ...]) -> Iterator[None]:
    """These filters of warnings count meanwhile, the first of them first."""
    with warnings.catch_warnings():
        for each in reversed(filters):
            warnings.filterwarnings(*each)
        yield


class _Around:
    def __init__(self, settings: Any, patched: _Patched) -> None:
        self._settings, self._patched = settings, patched

    @contextmanager
    def entered(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(self._patched)
            for setting in self._settings:
                stack.enter_context(setting())
            yield

    def wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def answer(*given: Any) -> Any:
            with self.entered():
                returned = function(*given)
                returned = finished(returned) if inspect.iscoroutine(returned) else returned
            return self._within(returned) if parts.yields(returned) else returned

        answer.around = self  # type: ignore[attr-defined]
        return answer

    def _within(self, returned: Any) -> Iterator[Any]:
        """What a generator yields runs after its call, and others between two parts of it."""
        found, end = parts.each(returned), object()
        while True:
            with self.entered():
                part = next(found, end)
            if part is end:
                return
            yield part


class _Patched:
    """Attributes that are set while anybody is inside, in whichever thread, and put back when the last one leaves."""

    def __init__(self, patches: Any) -> None:
        self._patches, self._before, self._inside = patches, list[Any](), 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._before = [vars(owner).get(name, _ABSENT) for owner, name, _ in self._patches]
                for owner, name, value in self._patches:
                    setattr(owner, name, value)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                for (owner, name, _), before in zip(self._patches, self._before, strict=True):
                    delattr(owner, name) if before is _ABSENT else setattr(owner, name, before)
