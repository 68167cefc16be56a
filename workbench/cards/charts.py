"""Numbers over the last minute -> a small line, drawn in SVG, above which the latest stands."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from .markup import el, escape

POINTS = 60
_WIDTH, _HEIGHT = 100.0, 24.0
_LONGEST = 5.0
Point = float | None


class Trend:
    """The last `POINTS` looks at something; a long pause begins anew."""

    def __init__(self) -> None:
        self._points: deque[dict[str, Point]] = deque(maxlen=POINTS)
        self._at = 0.0

    def add(self, now: float, **values: Point) -> None:
        """What was seen at this moment, in seconds."""
        if now - self._at > _LONGEST:
            self._points.clear()
        self._at = now
        self._points.append(values)

    def of(self, name: str) -> list[Point]:
        """One of the values over time."""
        return [values.get(name) for values in self._points]


def figure(title: str, value: str, unit: str = "", points: Sequence[Point] = (), *, wrong: bool = False) -> str:
    """A number under its title, and the line of its last minute below."""
    number = el("span", escape(value), cls="wb-value") + (
        el("span", escape(unit), cls="wb-unit") if unit and value != "–" else ""
    )
    inside = el("dt", escape(title)) + el("dd", number)
    return el("div", inside, line(points), cls="wb-figure wb-wrong" if wrong else "wb-figure")


def figures(drawn: Iterable[str]) -> str:
    """Several of them beside each other."""
    return el("dl", *drawn, cls="wb-figures")


def line(points: Sequence[Point]) -> str:
    """The newest at the right, the highest at the top; a gap where there is none."""
    known = [value for value in points if value is not None]
    most = max(known, default=0.0) or 1.0
    runs: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(points):
        if value is None:
            runs.append([])
        else:
            x = _WIDTH - (len(points) - 1 - place) * _WIDTH / (POINTS - 1)
            runs[-1].append((x, _HEIGHT - 1 - (_HEIGHT - 2) * value / most))
    drawn = [run if len(run) > 1 else [(run[0][0] - 0.8, run[0][1]), run[0]] for run in runs if run]
    lines = ["M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in run) for run in drawn]
    areas = [f"{path} L{run[-1][0]:.1f},24 L{run[0][0]:.1f},24 Z" for path, run in zip(lines, drawn, strict=True)]
    return _svg(el("path", cls="wb-area", d=" ".join(areas)), el("path", cls="wb-line", d=" ".join(lines)))


def _svg(*paths: str) -> str:
    how: dict[str, Any] = {"viewBox": "0 0 100 24", "preserveAspectRatio": "none", "aria_hidden": "true"}
    return el("svg", *paths, **how)


def bar(share: float, label: str) -> str:
    """How much of something is done."""
    filled = el("div", cls="wb-filled", style=f"width:{100 * share:.1f}%")
    how = {"aria_valuenow": str(round(100 * share)), "aria_valuemin": "0", "aria_valuemax": "100"}
    return el("div", filled, cls="wb-bar", role="progressbar", aria_label=label, **how)


def endless(label: str) -> str:
    """That something goes on whose end nobody knows."""
    return el("div", el("div", cls="wb-filled"), cls="wb-bar wb-endless", role="progressbar", aria_label=label)


def curve(at: Sequence[float], values: Sequence[Point], ends: tuple[float, float], here: tuple[Any, Any]) -> str:
    """A value over another one between these `ends`, with a point `here`."""
    low, high = ends
    tall, wide = (high - low) or 1.0, (at[-1] - at[0]) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        left = _WIDTH * (x - at[0]) / wide
        return min(max(left, 0.0), _WIDTH), min(max(_HEIGHT - 2 - (_HEIGHT - 4) * (y - low) / tall, 0.0), _HEIGHT)

    drawn = [place(x, y) for x, y in zip(at, values, strict=True) if y is not None and y == y]
    path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in drawn) if drawn else ""
    dot = ""
    if here[0] is not None and at[0] <= here[0] <= at[-1]:
        x, y = place(*here)
        dot = el("path", cls="wb-point", d=f"M{x:.1f},{y:.1f} l0.01,0")
    return _svg(el("path", cls="wb-line", d=path), dot)
