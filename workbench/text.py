"""Numbers, sizes, times and tables as people read them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def count(number: int, noun: str = "") -> str:
    """`1 000 rows`, `1 row`, `1 000`; a plural is made with s."""
    digits = f"{number:,}".replace(",", " ")
    return f"{digits} {noun}{'' if number == 1 else 's'}" if noun else digits


def size(n_bytes: float) -> str:
    """`812 B`, `2.1 MB`: decimal units."""
    for unit in ("B", "kB", "MB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.0f} {unit}" if unit == "B" or n_bytes >= 99.5 else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def seconds(duration: float) -> str:
    """`0.7 s`, `3 min 20 s`, `2 h 5 min`."""
    if duration < 59.95:
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def milliseconds(duration: float) -> str:
    """`0.08`, `2.3`, `84`, `1 204`: seconds in milliseconds, without their unit."""
    value = 1000 * duration
    return f"{value:.2f}" if value < 0.995 else f"{value:.1f}" if value < 9.95 else count(round(value))


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Left-aligned columns, two spaces apart, without a trailing space."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    padded = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded)
