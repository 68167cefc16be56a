"""Figures -> a small drawing in SVG, whose colours fit light and dark pages; nothing needs to be installed for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .comparing import Bins

_WIDTH, _HEIGHT, _COLUMNS, _TOP, _GAP = 220, 96, 3, 22, 14
_BEFORE, _NOW, _DRIFTED = "#8a8f98", "#3b7dd8", "#d9483b"


class Drawing(str):
    """An SVG image as text, which a notebook shows as an image."""

    def _repr_svg_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"Drawing of {len(self)} characters: write it to a file that ends in .svg"

    def to_json(self) -> str:
        return str(self)


def spreads(columns: Sequence[tuple[str, Bins, bool]]) -> Drawing:
    """For each column its title and two rows of bars: the reference in grey, the window in blue, or red if drifted."""
    parts = [part for i, column in enumerate(columns) for part in _spread(i, *column)]
    rows = -(-len(columns) // _COLUMNS)
    return whole(parts, min(len(columns), _COLUMNS) * (_WIDTH + _GAP), rows * (_HEIGHT + _GAP))


def whole(parts: list[str], width: float, height: float) -> Drawing:
    """Parts together, as one image of so many pixels."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
    return Drawing(f'{head} font-family="sans-serif" font-size="11">{"".join(parts)}</svg>')


def _spread(i: int, title: str, bins: Bins, drifted: bool) -> Iterator[str]:
    left, top = (i % _COLUMNS) * (_WIDTH + _GAP), (i // _COLUMNS) * (_HEIGHT + _GAP)
    yield _text(left, top + 13, title, "start", _DRIFTED if drifted else _BEFORE)
    most = max(*bins.reference, *bins.window, 1e-9)
    step, room = _WIDTH / len(bins.labels), _HEIGHT - _TOP
    for number, pair in enumerate(zip(bins.labels, bins.reference, bins.window, strict=True)):
        label, *both = pair
        for side, share in enumerate(both):
            colour = _BEFORE if side == 0 else _DRIFTED if drifted else _NOW
            tall = room * share / most
            x = left + number * step + side * step * 0.45
            yield box(x, top + _HEIGHT - tall, step * 0.42, tall, colour, f"{label}: {share:.1%}")


def box(x: float, y: float, width: float, height: float, colour: str, tip: str = "") -> str:
    """A rectangle, with what a pointer over it is told."""
    inside = f"<title>{escape(tip)}</title>" if tip else ""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}">{inside}</rect>'


def _text(x: float, y: float, said: str, anchor: str, colour: str = _BEFORE) -> str:
    said = said if len(said) <= 32 else f"{said[:31]}…"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(said)}</text>'


def escape(said: str) -> str:
    """Text as it stands between tags."""
    said = "".join(c if c.isprintable() else " " for c in said)
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
