"""The points of a sweep -> a table that compares them, the best one, and a drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import UsageError
from . import results

COMPARISON = "comparison.csv"
_MOST_LINES = 12


def wanted(best: str) -> tuple[str, bool]:
    """`auc`, `loss:min` -> the result by which the best is chosen, and whether the lowest is. UsageError."""
    name, _, how = best.partition(":")
    if not name or how not in ("", "min", "max"):
        raise UsageError(f"--best {best}", fix="--best auc for the highest, --best loss:min for the lowest")
    return name, how == "min"


def best_of(points: Sequence[Mapping[str, Any]], best: str) -> tuple[int, str]:
    """The number of the best point, from 1, and by what; 0 where none has handed back such a number."""
    if not best:
        return 0, ""
    name, lowest = wanted(best)
    found = [(value, i) for i, point in enumerate(points, 1) if (value := _number(point, name)) is not None]
    if not found:
        return 0, best
    chosen = min if lowest else max
    value = chosen(value for value, _ in found)
    return next(i for v, i in found if v == value), best


def words(points: Sequence[Mapping[str, Any]], best: int) -> str:
    """`best: depth=5, rate=0.1 → auc 0.9`; empty where there is none."""
    if not best:
        return ""
    point = points[best - 1]
    said = ", ".join(f"{name}={results.shown(value)}" for name, value in point["parameters"].items())
    found = ", ".join(f"{name} {results.shown(value)}" for name, value in results.rows_of(point["results"]))
    return f"best: {said} → {found}"


def _number(point: Mapping[str, Any], name: str) -> float | None:
    value = dict(results.rows_of(point.get("results") or {})).get(name)
    return float(value) if isinstance(value, (int, float)) and point["state"] == "done" else None


def row(number: int, point: Mapping[str, Any]) -> dict[str, Any]:
    """One line of the table."""
    found = dict(results.rows_of(point.get("results") or {}))
    took = {"seconds": round(point["seconds"], 3)} if "seconds" in point else {}
    notebook = {"notebook": point["output"]} if point.get("output") else {}
    return {"point": number, **point["parameters"], "state": point["state"], **found, **took, **notebook}


def lines(points: Sequence[Mapping[str, Any]], best: int) -> list[tuple[str, ...]]:
    """The table as people see it: its header, and the best point first; what is the same in all is left out."""
    order = sorted(range(len(points)), key=lambda i: i + 1 != best)
    rows = [row(i + 1, points[i]) for i in order]
    names = list(dict.fromkeys(name for one in rows for name in one if name not in ("notebook",)))
    same = {
        n for n in names if len(rows) > 1 and n in points[0]["parameters"] and len({str(r.get(n)) for r in rows}) == 1
    }
    names = [name for name in names if name not in same]
    shown = [tuple(_cell(name, one.get(name, "")) for name in names) for one in rows[:_MOST_LINES]]
    marks = [("★" if i + 1 == best else "", *cells) for i, cells in zip(order, shown, strict=False)]
    return [("", *names), *marks] if best else [tuple(names), *shown]


def _cell(name: str, value: Any) -> str:
    return f"{value:.1f} s" if name == "seconds" and value != "" else results.shown(value)
