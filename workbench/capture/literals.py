"""A small plain value -> the Python text that gives it back exactly."""

from __future__ import annotations

import math

_LONGEST = 400


def literal(value: object) -> str | None:
    """The text of a short number, string, None, or tuple, list, dict or set of such; None for all else."""
    text = _text(value)
    return text if text is not None and len(text) <= _LONGEST else None


def _text(value: object) -> str | None:
    kind = type(value)
    if value is None or value is Ellipsis or kind in (bool, int, str, bytes):
        return repr(value)
    if kind is float:
        return repr(value) if math.isfinite(value) else None  # type: ignore[arg-type]
    if kind is dict:
        pairs = [(_text(k), _text(v)) for k, v in value.items()]  # type: ignore[attr-defined]
        return None if any(None in pair for pair in pairs) else "{" + ", ".join(f"{k}: {v}" for k, v in pairs) + "}"
    if kind in (tuple, list, set) and len(value) <= _LONGEST:  # type: ignore[arg-type]
        return _sequence(kind, [_text(item) for item in value])  # type: ignore[attr-defined]
    return None


def _sequence(kind: type, parts: list[str | None]) -> str | None:
    texts = [part for part in parts if part is not None]
    if len(texts) != len(parts) or (kind is set and not texts):
        return None
    if kind is set:  # iteration order differs from process to process
        return "{" + ", ".join(sorted(texts)) + "}"
    inner = ", ".join(texts)
    if kind is tuple:
        return f"({inner},)" if len(texts) == 1 else f"({inner})"
    return f"[{inner}]"
