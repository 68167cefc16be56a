"""Contributions to answers -> drawings: bars from the base to one answer, and what matters over many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import drawing
from .drawing import Drawing, escape

if TYPE_CHECKING:
    import pandas as pd

_LEFT, _WIDTH, _RIGHT, _LINE, _TOP = 190, 420, 70, 24, 30
_UP, _DOWN, _DIM, _INK = "#d9483b", "#3b7dd8", "#8a8f98", "#7b818b"
_MOST, _DOTS = 12, 120


def waterfall(title: str, base: float, parts: Sequence[tuple[str, float]]) -> Drawing:
    """From the base at the bottom to the answer on top: what raised it in red, what lowered it in blue."""
    parts = _together(parts)
    ends = base + np.cumsum([0.0, *(size for _, size in reversed(parts))])
    low, high = float(ends.min()), float(ends.max())
    scale = _WIDTH / ((high - low) or 1.0)
    found = [_text(0, 15, title, "start", _INK, bold=True)]
    for i, (name, size) in enumerate(parts):
        y, begin = _TOP + i * _LINE, float(ends[len(parts) - 1 - i])
        found += _step(y, name, size, _LEFT + (min(begin, begin + size) - low) * scale, abs(size) * scale)
    y, x = _TOP + len(parts) * _LINE, _LEFT + (base - low) * scale
    found.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{y}" stroke="{_DIM}" stroke-dasharray="2 3"/>')
    found.append(_text(min(max(x, _LEFT + 40), _LEFT + _WIDTH), y + 14, f"base {base:.3g}", "middle"))
    return _whole(found, y + 20)


def _step(y: float, name: str, size: float, x: float, width: float) -> Iterator[str]:
    yield _text(_LEFT - 8, y + 14, name, "end", _INK)
    yield drawing.box(x, y + 3, max(width, 1.0), _LINE - 6, _UP if size > 0 else _DOWN, f"{name}: {size:+.4g}")
    yield _text(x + max(width, 1.0) + 5, y + 14, f"{size:+.3g}", "start")


def _together(parts: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The largest, and the sum of all others."""
    if len(parts) <= _MOST:
        return list(parts)
    rest = parts[_MOST - 1 :]
    return [*parts[: _MOST - 1], (f"{len(rest)} others", sum(size for _, size in rest))]


def overview(title: str, importance: pd.Series, frame: pd.DataFrame, values: dict[str, Any]) -> Drawing:
    """For each column, the most important first: its mean size, and a dot for each row at what it added, from blue
    where the column's value is low to red where it is high, grey where it is no number."""
    names = list(importance.index[:_MOST])
    most = float(frame[names].abs().to_numpy().max()) or 1.0
    middle, scale = _LEFT + _WIDTH / 2, _WIDTH / 2 / most
    height = _TOP + len(names) * _LINE
    found = [_text(0, 15, title, "start", _INK, bold=True)]
    found.append(f'<line x1="{middle}" x2="{middle}" y1="{_TOP}" y2="{height}" stroke="{_DIM}" stroke-opacity=".5"/>')
    for i, name in enumerate(names):
        y = _TOP + i * _LINE
        found.append(_text(_LEFT - 8, y + 16, str(name), "end", _INK))
        found += _dots(y, middle + frame[name].to_numpy() * scale, _colours(values.get(name), len(frame)))
        found.append(_text(_LEFT + _WIDTH + 10, y + 16, f"{importance[name]:.3g}", "start"))
    found.append(_text(_LEFT, height + 14, "← lowers", "start", _DIM))
    found.append(_text(_LEFT + _WIDTH, height + 14, "raises →", "end", _DIM))
    return _whole(found, height + 20)


def _dots(y: float, places: Any, colours: list[str]) -> Iterator[str]:
    """Those that would lie on each other go up and down by turns."""
    taken: dict[int, int] = {}
    shown = np.unique(np.linspace(0, len(places) - 1, min(len(places), _DOTS)).astype(int))
    for i in shown:
        x = float(places[i])
        beside = taken[round(x / 4)] = taken.get(round(x / 4), 0) + 1
        up = min(beside // 2, 4) * 2.2 * (1 if beside % 2 else -1)
        yield f'<circle cx="{x:.1f}" cy="{y + _LINE / 2 + up:.1f}" r="2.2" fill="{colours[i]}" fill-opacity=".75"/>'


def _colours(values: Any, rows: int) -> list[str]:
    """By the rank of a value among all: some are far out."""
    import pandas as pd

    numbers = pd.Series(values) if values is not None else None
    if numbers is None or not pd.api.types.is_numeric_dtype(numbers.dtype):
        return [_DIM] * rows
    shares = numbers.astype(float).rank(pct=True).fillna(0.5)
    return [_between(share) for share in shares]


def _between(share: float) -> str:
    low, high = ([int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (_DOWN, _UP))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(low, high, strict=True))


def _text(x: float, y: float, said: str, anchor: str, colour: str = _DIM, *, bold: bool = False) -> str:
    said = said if len(said) <= 60 else f"{said[:59]}…"
    if anchor == "end" and len(said) > 30:
        said = f"{said[:29]}…"
    weight = ' font-weight="600"' * bold
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>{escape(said)}</text>'


def _whole(parts: list[str], height: float) -> Drawing:
    return drawing.whole(parts, _LEFT + _WIDTH + _RIGHT, height)
