"""Data under several names that hold each other -> one file for all of them, and one for each that refers to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .item import Item

_DATA = ("state", "value")


def cycles(items: Mapping[str, Item]) -> Iterator[list[str]]:
    """The groups of names of data of which each needs every other, by data alone."""
    data = {name: item.needs for name, item in items.items() if item.taken.kind in _DATA}
    needs = {name: {n for n in needed if n in data and n != name} for name, needed in data.items()}
    reached = {name: _reached(name, needs) for name, needed in needs.items() if needed}
    grouped: set[str] = set()
    for name in sorted(reached):
        group = sorted(n for n in reached[name] if name in reached.get(n, ()))
        if len(group) > 1 and name not in grouped:
            grouped |= set(group)
            yield group


def _reached(start: str, needs: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    pending = [start]
    while pending:
        new = needs[pending.pop()] - seen
        seen |= new
        pending += new
    return seen
