"""The points of a sweep -> a small drawing for each parameter: its values, and the result at each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..monitoring.drawing import Drawing, escape
from ..patterns.batch.results import shown

_WIDTH, _HEIGHT, _GAP, _TOP, _BOTTOM, _EDGE = 220, 110, 18, 22, 16, 6
_DIM, _DOT, _BEST = "#8a8f98", "#3b7dd8", "#2e9e4f"
_LOG = 20.0


def dots(points: Sequence[Mapping[str, Any]], result: str, best: int) -> Drawing:
    """A panel for each parameter that has several numbers; empty where there is none, or too few results."""
    found = [
        (i, point["parameters"], point["values"][result]) for i, point in enumerate(points, 1) if _has(point, result)
    ]
    names = list(found[0][1]) if found else []
    axes = [name for name in names if len(set(_numbers(found, name))) > 1]
    if len(found) < 2 or not axes:
        return Drawing("")
    panels = [part for i, name in enumerate(axes) for part in _panel(i * (_WIDTH + _GAP), name, result, found, best)]
    width = len(axes) * (_WIDTH + _GAP)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" width="{width}" height="{_HEIGHT}"'
    return Drawing(f'{head} font-family="sans-serif" font-size="11">{"".join(panels)}</svg>')


def _has(point: Mapping[str, Any], result: str) -> bool:
    value = point["values"].get(result)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _numbers(found: Sequence[Any], name: str) -> list[float]:
    values = [parameters.get(name) for _, parameters, _ in found]
    plain = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return [float(value) for value in values] if plain else []


def _panel(left: float, name: str, result: str, found: Sequence[Any], best: int) -> Iterator[str]:
    """Its title, its ends, and a dot for each point; by their size where they span many."""
    across, up = _numbers(found, name), [float(value) for _, _, value in found]
    log = min(across) > 0 and max(across) / min(across) > _LOG
    scaled = [math.log(value) for value in across] if log else across
    yield _text(left, 13, f"{result} by {name}", "start")
    yield _text(left, _HEIGHT - 2, shown(min(across)), "start")
    yield _text(left + _WIDTH, _HEIGHT - 2, shown(max(across)), "end")
    for (number, _, value), x, at in zip(found, scaled, across, strict=True):
        px = left + _EDGE + (_WIDTH - 2 * _EDGE) * _share(x, scaled)
        py = _HEIGHT - _BOTTOM - _EDGE - (_HEIGHT - _TOP - _BOTTOM - 2 * _EDGE) * _share(float(value), up)
        tip = f"<title>{escape(f'{name} {shown(at)}: {result} {shown(value)}')}</title>"
        colour, size = (_BEST, 5) if number == best else (_DOT, 3.5)
        yield f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{size}" fill="{colour}" fill-opacity="0.8">{tip}</circle>'


def _share(value: float, values: Sequence[float]) -> float:
    low, high = min(values), max(values)
    return (value - low) / (high - low) if high > low else 0.5


def _text(x: float, y: float, said: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_DIM}">{escape(said)}</text>'
