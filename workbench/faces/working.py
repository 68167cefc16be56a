"""What a verb is doing -> in a notebook a line where its card will be, and once it takes long a bar with a button that
ends it; on a terminal a line that moves. Nothing of it stays."""

from __future__ import annotations

import contextvars
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from .. import stages
from ..data.progress import Progress
from ..errors import Interrupted

if TYPE_CHECKING:
    from ..specs.spec import Verb
    from .terminal import Counted

PATIENCE = 1.0
"""Seconds after which there is a bar."""
_BEGINS = "starting its process"
_CAPTURE = "model"
_STEPS = {
    _CAPTURE: (
        "reading the cell",
        "reading what the model needs",
        "asking this kernel",
        "proving it in a clean process",
        "storing it as a version",
    ),
    "serve": (_BEGINS, "loading", "asking for its first answer"),
    "stream": (_BEGINS, "loading"),
    "app": (_BEGINS, "starting Voila"),
}
"""What some verbs do one after the other."""
_BEGUN_BY = {"service": "serve", "stream": "stream", "app": "app"}
_LOOKS = ("bench", "diff", "drift", "explain", "model", "predict", "requests", "verify")
"""The verbs of which nothing is kept where somebody ends them."""
_TALKS = ("advise", "debug", "lab", "logs", "open", "tour")
"""Those that have the terminal for themselves."""


class Bar(Protocol):
    """How it is shown that something takes long."""

    def reach(self, stage: str) -> None:
        """The next thing that is done."""

    def close(self) -> None:
        """It has ended: nothing of it stays."""


@contextmanager
def on(spec: Verb, given: Mapping[str, Any]) -> Iterator[None]:
    """The work of a verb with these options. Interrupted where somebody ends it in a notebook."""
    shown = spec.name != "debug" if _in_notebook() else spec.name not in _TALKS and sys.stderr.isatty()
    if shown and not _in_notebook():
        Progress.drawn_by = _counted
    how = {"shown": shown, "noted": spec.name == _CAPTURE, "kept": spec.name not in _LOOKS}
    work = Working(_label(spec, given), _steps(spec, given), **how)
    with work, stages.heard(work):
        yield


def _counted(progress: Progress) -> Counted:
    from .terminal import Counted

    return Counted(progress)


def _label(spec: Verb, given: Mapping[str, Any]) -> str:
    """`serve churn`; a capture by the name of its model."""
    if spec.name == _CAPTURE:
        return str(given["name"])
    return f"{spec.name} {_first(spec, given)}".strip()


def _steps(spec: Verb, given: Mapping[str, Any]) -> Sequence[str]:
    """Those of a verb; of what begins again, those of the verb that began it, where its whole name says which."""
    begun_by = _BEGUN_BY.get(_first(spec, given).partition("/")[0], "")
    return _STEPS.get(begun_by if spec.name in ("start", "restart") else spec.name, ())


def _first(spec: Verb, given: Mapping[str, Any]) -> str:
    first = next((given[option.name] for option in spec.options if option.positional), "")
    return first if isinstance(first, str) else ""


class Working:
    """Hears each stage in words; what is `noted` is a line in a notebook from the first moment on. `kept` says that
    something of it stays where it is ended."""

    def __init__(self, label: str, steps: Sequence[str], *, shown: bool, noted: bool, kept: bool) -> None:
        self._label, self._steps, self._shown, self._kept = label, steps, shown, kept
        self._noted = shown and noted and _in_notebook()
        self._lock, self._over, self.cancelled = threading.RLock(), False, False
        self._handle: Any = None
        self._bar: Bar | None = None
        self._stage, self._begun = "", time.monotonic()
        here = contextvars.copy_context()  # which knows the cell that the bar belongs to
        self._timer = threading.Timer(PATIENCE, lambda: here.run(self._draw))
        self._timer.daemon = True

    def __call__(self, stage: str) -> None:
        with self._lock:
            if self._over or stage == self._stage:
                return
            self._stage = stage
            if self._bar is not None:
                self._bar.reach(stage)
            elif self._noted:
                self._note(stage)

    def _note(self, stage: str) -> None:
        from .cards import html

        line = f"{self._label} · {stage} …"
        self._show({"text/plain": line, "text/html": html(line)})

    def _show(self, content: dict[str, str]) -> None:
        if self._handle is None:
            from IPython.display import DisplayHandle

            self._handle = DisplayHandle()  # type: ignore[no-untyped-call, unused-ignore]
            self._handle.display(content, raw=True)
        else:
            self._handle.update(content, raw=True)

    def _draw(self) -> None:
        """In a thread of its own: what works has no time for it."""
        make = self._card_bar() if _in_notebook() else self._line
        with self._lock:
            if make is not None and not self._over:
                self._bar = make()

    def _line(self) -> Bar:
        from .terminal import Line

        return Line(self._label, self._stage, self._begun)

    def _card_bar(self) -> Any:
        """What makes the bar, once there is what it needs; None where no browser looks."""
        from ..cards.progress import StepsCard
        from .bars import CardBar
        from .live import hub

        if (widget := hub()) is None:
            return None

        def made() -> Bar:
            card = StepsCard(self._label, self._steps, self._end, self._begun, self._stage)
            return CardBar(card, widget.following, self._handle)

        return made

    def _end(self) -> None:
        """As Jupyter's own button does, and never what comes after this."""
        with self._lock:
            if not self._over:
                self.cancelled = True
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def aside(self) -> None:
        """Something else shows it better from now on."""
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._bar is not None:
                self._bar.close()
            elif self._handle is not None:
                self._show({"text/plain": "", "text/html": ""})
            self._bar = self._handle = None

    def __enter__(self) -> Self:
        if self._shown:
            self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.aside()
        if kind is KeyboardInterrupt and self._shown and _in_notebook():
            raise self._interrupted() from None

    def _interrupted(self) -> Interrupted:
        if self._kept:
            fix = "%workbench status shows what became of it"
            return Interrupted(f"{self._label} was interrupted", fix=fix)
        return Interrupted(f"{self._label} was cancelled: nothing of it is kept", fix="run it again")


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython and "ipykernel" in sys.modules else None
    return hasattr(shell, "kernel")
