"""What a capture is doing -> a line where its card will be, from the first moment on; empty once the card is there."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from . import cards

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Stages:
    """Called with each stage in words. Only a notebook shows them: a terminal cannot take them back."""

    def __init__(self, shell: InteractiveShell, name: str) -> None:
        self._name = name
        self._shown = "ipykernel" in sys.modules and hasattr(shell, "kernel")
        self._handle: Any = None

    def __call__(self, stage: str) -> None:
        line = f"{self._name} · {stage} …"
        self._show({"text/plain": line, "text/html": cards.html(line)})

    def _show(self, content: dict[str, str]) -> None:
        if not self._shown:
            return
        if self._handle is None:
            from IPython.display import DisplayHandle

            self._handle = DisplayHandle()  # type: ignore[no-untyped-call, unused-ignore]
            self._handle.display(content, raw=True)
        else:
            self._handle.update(content, raw=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._handle is not None:
            self._show({"text/plain": "", "text/html": ""})
