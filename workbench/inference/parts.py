"""A model that yields -> its answer in parts, as they come, or all together.

It yields the answers to its rows in their order: one value or record at a time, or arrays, series and frames of
several.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np

from . import awaiting


def yields(returned: Any) -> bool:
    """Whether this is an answer that comes in parts."""
    return inspect.isgenerator(returned) or inspect.isasyncgen(returned)


def each(returned: Any) -> Iterator[Any]:
    """The parts of it, each something that holds the answers to one row or several."""
    found = awaiting.each(returned) if inspect.isasyncgen(returned) else returned
    return map(rows, found)


def together(parts: list[Any]) -> Any:
    """All parts below each other, as one answer."""
    parts = [part for part in parts if len(part)] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    if parts and all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    if parts and all(hasattr(part, "iloc") for part in parts):
        import pandas as pd

        return pd.concat(parts)
    return list(chain.from_iterable(part.tolist() if hasattr(part, "tolist") else part for part in parts))


def rows(part: Any) -> Any:
    """What was yielded as something that holds the answers to one row or several."""
    return part if _holds_rows(part) else [part]


def _holds_rows(part: Any) -> bool:
    """Whether a part is several answers; one is a value, text, or a record."""
    if isinstance(part, str | bytes | Mapping):
        return False
    return isinstance(part, list | tuple) or hasattr(part, "iloc") or bool(np.ndim(part))
