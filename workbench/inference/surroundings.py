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


def captured_function(module: ModuleType, entry: str, kind: str) -> Callable[[Any], Any]:
    """What answers, of the captured module, with all that its notebook had set around it. Raises ModelFailed."""
    settings, patches = vars(module).get("__settings__", ()), vars(module).get("__patches__", ())
    if not settings and not patches:
        return entry_function(getattr(module, entry), kind)
    around = _Around(settings, _Patched(patches))
    with around.entered():
        function = entry_function(getattr(module, entry), kind)
    return around.wrapped(function)


@contextmanager
def warning(action: Any, category: type[Warning], message: str | None, module: str | None) -> Iterator[None]:
    """A filter of warnings as the notebook had it, above those that are there; its words are patterns."""
    with warnings.catch_warnings():
        warnings.filterwarnings(action, message or "", category, module or "")
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

    def wrapped(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        @functools.wraps(function)
        def answer(given: Any) -> Any:
            with self.entered():
                returned = function(given)
                returned = finished(returned) if inspect.iscoroutine(returned) else returned
            return self._within(returned) if parts.yields(returned) else returned

        return answer

    def _within(self, returned: Any) -> Iterator[Any]:
        """What a generator yields runs after its call."""
        with self.entered():
            yield from parts.each(returned)


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
