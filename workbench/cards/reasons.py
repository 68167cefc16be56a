"""A version and a row -> bars of what each column added to the answer, where finding them does not take long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..bundle.tables import n_rows
from ..errors import WorkbenchError
from ..monitoring import explainers
from ..monitoring.explanation import Explanation
from .markup import button, el, escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..bundle.version import ModelVersion
    from ..inference.predictor import Predictor

PATIENCE = 1.0
"""Seconds that finding them may take while somebody moves a slider."""
_MOST = 8


class Reasons:
    """What a form shows beside itself. Once it took long it waits to be asked."""

    def __init__(self, version: ModelVersion) -> None:
        self._version, self.slow = version, False

    def bars(self, predictor: Predictor, table: Any, moved: Callable[[], bool], *, asked: bool) -> str:
        """The bars for the one row of a table, or a button that asks for them; empty where the row has `moved` on
        meanwhile. What stands in the way of an explanation is said in their place."""
        if self.slow and not asked:
            return _ask()
        try:
            found = self._found(predictor, table, moved, patience=float("inf") if asked else PATIENCE)
        except WorkbenchError as error:
            return el("p", f"not explained: {escape(error.what)}", cls="wb-caption")
        if found is None:
            return _ask() if self.slow else ""
        columns = explainers.columns(table)
        return _drawn(Explanation(self._version.ref, found, columns, range(1), n_rows(table), "the form"))

    def _found(self, predictor: Predictor, table: Any, moved: Callable[[], bool], patience: float) -> Any:
        """None where the row has moved on, or it takes too long."""
        work = explainers.explain(predictor, table, lambda: explainers.background(self._version))
        begun, said = time.monotonic(), None
        try:
            while not moved():
                said = work.send(said)()
                if time.monotonic() - begun > patience:
                    self.slow = True
                    return None
        except StopIteration as end:
            return end.value
        return None


def _ask() -> str:
    told = el("span", "explaining it takes longer than a second", cls="wb-caption")
    return el("div", button("Explain", "explain", asked=True), told, cls="wb-line-of")


def _drawn(explained: Explanation) -> str:
    """Bars to the right for what raised the answer, to the left for what lowered it."""
    parts = _most(explained.parts(0))
    widest = max((abs(size) for _, size in parts), default=0.0) or 1.0
    lines = (_line(name, size, size / widest) for name, size in parts)
    title = el("p", f"What each column adds to {escape(explained.answered(0))}", cls="wb-label")
    base = f"from {explained.found.base[0]:.4g}, {explained.base} · {explained.method}"
    return title + el("dl", *lines, cls="wb-reasons") + el("p", escape(base), cls="wb-caption")


def _most(parts: list[tuple[str, float]]) -> list[tuple[str, float]]:
    rest = parts[_MOST:]
    more = f"{len(rest)} other column{'s' * (len(rest) > 1)}"
    return parts[:_MOST] + ([(more, sum(size for _, size in rest))] if rest else [])


def _line(name: str, size: float, share: float) -> str:
    left = 50.0 if share >= 0 else 50.0 * (1 + share)
    how = f"left:{left:.1f}%;width:{abs(share) * 50:.1f}%"
    filled = el("span", cls="wb-up" if size > 0 else "wb-down", style=how) if size else ""
    force = el("span", filled, cls="wb-force", aria_hidden="true")
    return el("div", el("dt", escape(name)), el("dd", force, el("span", f"{size:+.3g}")))
