"""Two mappings of names to what is known of them -> a line for each difference."""

from __future__ import annotations

from collections.abc import Mapping


def changes(old: Mapping[str, str], new: Mapping[str, str], *, named: bool = True) -> tuple[str, ...]:
    """A line for each key that is gone, new or has another value (shown if `named`)."""
    return tuple(
        _line(key, old.get(key), new.get(key), named=named)
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    )


def _line(key: str, before: str | None, after: str | None, *, named: bool) -> str:
    if before is None:
        return f"+ {key} {after}" if named else f"+ {key}"
    if after is None:
        return f"- {key} {before}" if named else f"- {key}"
    return f"{key} {before} → {after}" if named else f"{key} changed"
