"""A run -> the points of its sweep as a table and a drawing, or the figures that its notebook has handed back."""

from __future__ import annotations

import base64
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .markup import escape

if TYPE_CHECKING:
    from ..operations.runs import Run

_CELL = "border:none;padding:.1em 1em .1em 0;text-align:left;background:none"
_HEAD = f"{_CELL};opacity:.65;font-weight:normal;border-bottom:1px solid rgba(128,128,128,.4)"
_FIGURE = "max-width:48em;width:100%;margin-top:.6em"
_MOST = 4


def html(run: Run) -> str:
    """What its card shows below its text; empty where there is nothing of the kind."""
    drawn = run.plot()
    return "".join([_table(run.table()), f"<div>{drawn}</div>" if drawn else "", *map(_figure, _pictures(run))])


def _table(lines: list[tuple[str, ...]]) -> str:
    if not lines:
        return ""
    head, *rows = ("".join(_cell(text, head=i == 0) for text in line) for i, line in enumerate(lines))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table style="border:none;margin-top:.6em"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(text: str, *, head: bool) -> str:
    return f'<th style="{_HEAD}">{escape(text)}</th>' if head else f'<td style="{_CELL}">{escape(text)}</td>'


def _pictures(run: Run) -> list[Path]:
    return [file for file in run.figures() if file.suffix == ".png"][:_MOST]


def _figure(file: Path) -> str:
    with suppress(OSError):  # it may have been removed since
        content = base64.b64encode(file.read_bytes()).decode()
        return f'<div><img style="{_FIGURE}" alt="{escape(file.stem)}" src="data:image/png;base64,{content}"></div>'
    return ""
