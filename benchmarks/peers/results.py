"""What came of a server -> a row of a table."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.operations.load import Load

MANY, LIMIT = 64, 0.9


@dataclass(frozen=True)
class Result:
    """Loads by their number of connections, one at a fixed rate, seconds of processor for a request, bytes, and
    seconds until the first answer."""

    name: str
    closed: dict[int, Load]
    steady: Load
    processor: float
    memory: int
    started: float


def own_call(function: Callable[[Any], Any], rows: Any) -> float:
    """Median seconds of the model's own call."""
    times, end = [], time.perf_counter() + 1.0
    while time.perf_counter() < end:
        start = time.perf_counter()
        function(rows)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def shown(
    model: str, rows: int, own: float, rate: float, connections: Sequence[int], results: Sequence[Result | str]
) -> str:
    """A table in Markdown."""
    many = MANY if MANY in connections else connections[-1]
    counts = [f"{count}" for count in connections]
    head = ["requests/s over", *counts, f"p50, p99 over {connections[0]}", f"over {many}", f"at {rate:g}/s"]
    head += ["CPU µs", "MB", "start s"]
    echo = next((r.processor for r in results if isinstance(r, Result) and r.name == "echo"), 0.0)
    lines = [
        f"\n**{model}, {rows} {'row' if rows == 1 else 'rows'} a request**; the model's own call {own * 1e3:.2f} ms\n"
    ]
    lines += [_line(head), _line(["---", *["--:"] * (len(head) - 1)])]
    lines += [r if isinstance(r, str) else _line(_cells(r, connections, many, echo)) for r in results]
    return "\n".join(lines)


def _cells(result: Result, connections: Sequence[int], many: int, echo: float) -> list[str]:
    rates = [f"{load.rate:,.0f}".replace(",", " ") + _marks(load) for load in result.closed.values()]
    times = [_times(load) for load in (result.closed[connections[0]], result.closed[many], result.steady)]
    times[-1] += _marks(result.steady, steady=True)
    spent = f"{result.processor * 1e6:.0f}" + (
        f" ({result.processor / echo:.1f} ×)" if echo and result.processor else ""
    )
    return [result.name, *rates, *times, spent, f"{result.memory / 1e6:.0f}", f"{result.started:.2f}"]


def _times(load: Load) -> str:
    return ", ".join(f"{load.quantile(share) * 1e3:.2f}" for share in (0.5, 0.99)) if load.times else "none"


def _marks(load: Load, *, steady: bool = False) -> str:
    """Whether the client was the limit, and what was not answered. At a fixed rate the client always works."""
    broken = sum(load.broken.values())
    said = ", ".join(f"{n} {what}" for what, n in load.broken.items())
    return "*" * (load.busy > LIMIT and not steady) + (f" ({said})" if broken else "")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
