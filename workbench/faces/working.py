"""What a verb is doing -> where its card will be, a line from the first moment on, and once it takes long a bar with a
button that ends it; empty once the card is there."""

from __future__ import annotations

import contextvars
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..errors import Interrupted
from . import cards

if TYPE_CHECKING:
    from ..specs.spec import Verb
    from .bars import CardBar

PATIENCE = 1.0
"""Seconds after which there is a bar."""
_CAPTURE = (
    "reading the cell",
    "reading what the model needs",
    "asking this kernel",
    "proving it in a clean process",
    "storing it as a version",
)
_LONG = ("bench", "diff", "drift", "explain", "export", "feedback", "put", "requests", "tour", "verify")
"""The verbs that may take long and have no bar of their own."""


def on(spec: Verb, given: Mapping[str, Any]) -> Working:
    """The work of a verb with these options."""
    if spec.name == "model":
        return Working(str(given["name"]), _CAPTURE)
    first = next((given[option.name] for option in spec.options if option.positional), "")
    label = f"{spec.name} {first}" if isinstance(first, str) else spec.name
    return Working(label.strip(), shown=spec.name in _LONG)


class Working:
    """Called with each stage in words. Only a notebook shows them: a terminal cannot take them back. Interrupted where
    somebody ends it."""

    def __init__(self, label: str, steps: Sequence[str] = (), *, shown: bool = True) -> None:
        self._label, self._steps = label, steps
        self._shown = shown and _in_notebook()
        self._lock, self._over = threading.RLock(), False
        self._handle: Any = None
        self._bar: CardBar | None = None
        here = contextvars.copy_context()  # which knows the cell that the bar belongs to
        self._timer = threading.Timer(PATIENCE, lambda: here.run(self._draw))
        self._timer.daemon, self._stage = True, ""

    def __call__(self, stage: str) -> None:
        with self._lock:
            self._stage = stage
            if self._bar is not None:
                self._bar.reach(stage)
            elif self._shown:
                line = f"{self._label} · {stage} …"
                self._show({"text/plain": line, "text/html": cards.html(line)})

    def _show(self, content: dict[str, str]) -> None:
        if self._handle is None:
            from IPython.display import DisplayHandle

            self._handle = DisplayHandle()  # type: ignore[no-untyped-call, unused-ignore]
            self._handle.display(content, raw=True)
        else:
            self._handle.update(content, raw=True)

    def _draw(self) -> None:
        """In a thread of its own: what works has no time for it."""
        from ..cards.progress import StepsCard
        from .bars import CardBar
        from .live import hub

        widget = hub()
        with self._lock:
            if widget is None or self._over:
                return
            card = StepsCard(self._label, self._steps, self._end)
            card.now = self._stage
            self._bar = CardBar(card, widget.following, self._handle)

    def _end(self) -> None:
        """As Jupyter's own button does, and never what comes after this."""
        with self._lock:
            if not self._over:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def __enter__(self) -> Self:
        if self._shown:
            self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._bar is not None:
                self._bar.close()
            elif self._handle is not None:
                self._show({"text/plain": "", "text/html": ""})
        if kind is KeyboardInterrupt and self._shown:
            raise Interrupted(f"{self._label} was cancelled: nothing of it is kept", fix="run it again") from None


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython and "ipykernel" in sys.modules else None
    return hasattr(shell, "kernel")
