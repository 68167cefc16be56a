"""The comparison of two versions -> a card: each part folds out, source is coloured, answers stand in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cards.markup import escape
from .cards import BOX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..bundle.diff import Diff
    from ..bundle.diff_predictions import Column

_TONES = {"+": "rgba(46,158,79,.18)", "-": "rgba(217,72,59,.18)"}
_CELL = "border:none;padding:0 1em 0 0;text-align:right;white-space:nowrap;background:none"
_PRE = "margin:.2em 0;padding:.3em .5em;overflow:auto;background:transparent;color:inherit;line-height:1.35"


def html(diff: Diff) -> str:
    """The card; colours that fit light and dark."""
    from ..bundle.diff import PARTS

    parts = [_source(diff.source.splitlines())]
    parts += [_part(name, [_line(line) for line in getattr(diff, name)]) for name in PARTS]
    inside = [*map(_line, (*filter(None, [diff.predictions.said]), *diff.predictions.dtypes))]
    inside += [_table(diff.predictions.columns)] * bool(diff.predictions.columns)
    head = f"<div><b>{escape(diff.a)}</b> → <b>{escape(diff.b)}</b></div>"
    return f'<div style="{BOX}">{head}{"".join(parts)}{_part("predictions", inside, unfolded=True)}</div>'


def _source(lines: list[str]) -> str:
    new = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
    old = sum(line.startswith("-") and not line.startswith("---") for line in lines)
    shown = f'<pre style="{_PRE}">{"".join(map(_line, lines))}</pre>' if lines else ""
    return _part("source", [shown] * bool(lines), f"+{new} −{old}")


def _part(title: str, inside: list[str], told: str = "", *, unfolded: bool = False) -> str:
    if not inside:
        return f'<div style="opacity:.65">{title} the same</div>'
    told = told or ("" if unfolded else str(len(inside)))
    head = f'<summary>{title} <span style="opacity:.65">{told}</span></summary>'
    return f"<details{' open' if unfolded else ''}>{head}{''.join(inside)}</details>"


def _line(line: str) -> str:
    tone = _TONES.get(line[:1], "transparent")
    return f'<div style="background:{tone};white-space:pre-wrap">{escape(line) or "&#8203;"}</div>'


def _table(columns: Iterable[Column]) -> str:
    rows = [row for column in columns for row in _rows(column)]
    return f'<table style="margin:.2em 0;border:none;background:none">{"".join(rows)}</table>'


def _rows(column: Column) -> list[str]:
    """What differs, then how it is spread: `before → after` under the name of each figure."""
    keys = list(dict.fromkeys([*column.before, *column.after]))
    heads = ["", "rows differ", *(["by (median)", "by (most)"] if column.largest is not None else []), *keys]
    first = [f"<b>{escape(column.name)}</b>", f"{column.differ} of {column.rows}"]
    first += [f"{value:.3g}" for value in (column.median, column.largest) if value is not None]
    first += [f"{_figure(column.before.get(k))} → {_figure(column.after.get(k))}" for k in keys]
    moves = " · ".join(f"{escape(move)} {count}" for move, count in column.moves.items())
    below = [f'<tr style="background:none"><td colspan="{len(heads)}" style="{_CELL}">{moves}</td></tr>'] * bool(moves)
    return [_row("th", map(escape, heads)), _row("td", first), *below]


def _row(tag: str, cells: Iterable[str]) -> str:
    dim = ";font-weight:normal;opacity:.65" if tag == "th" else ""
    inside = "".join(f'<{tag} style="{_CELL}{dim}">{cell}</{tag}>' for cell in cells)
    return f'<tr style="background:none">{inside}</tr>'


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
