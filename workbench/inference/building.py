"""Tables -> frames, in one memory layout and fast: a request of one row waits for this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from .fields import Field, Table

Build = Callable[["Table"], "pd.DataFrame"]


def frame_builder(fields: Sequence[Field]) -> Build:
    """Makes frames of these fields: new memory, a fresh RangeIndex, one block for each numpy dtype."""
    try:
        from pandas.api.internals import create_dataframe_from_blocks
    except ImportError:
        return _plain_builder(fields)
    return _block_builder(fields, create_dataframe_from_blocks)


def _plain_builder(fields: Sequence[Field]) -> Build:
    """pandas before 3 lays a dict of columns out as the blocks below: one for each numpy dtype."""
    import pandas as pd

    names = [field.name for field in fields]

    def build(table: Table) -> pd.DataFrame:
        rows = len(table[names[0]]) if names else 0
        return pd.DataFrame({name: table[name] for name in names}, index=pd.RangeIndex(rows), copy=True)

    return build


def _block_builder(fields: Sequence[Field], create: Any) -> Build:
    import pandas as pd

    columns = pd.Index([field.name for field in fields])
    groups, singles = _blocks(fields)

    def build(table: Table) -> pd.DataFrame:
        blocks = [(_block(table, names), places) for names, places in groups]
        blocks += [(table[name].copy(), place) for name, place in singles]
        rows = blocks[0][0].shape[-1] if blocks else 0
        return create(blocks, pd.RangeIndex(rows), columns.view())

    return build


def _block(table: Table, names: list[str]) -> np.ndarray[Any, Any]:
    return np.concatenate([table[name] for name in names]).reshape(len(names), -1)


def _blocks(fields: Sequence[Field]) -> tuple[list[tuple[list[str], Any]], list[tuple[str, Any]]]:
    """The fields of each numpy dtype together, all others alone, with their places among the columns."""
    groups: dict[str, list[int]] = {}
    singles: list[tuple[str, Any]] = []
    for place, field in enumerate(fields):
        if isinstance(field.runtime, np.dtype):
            groups.setdefault(field.dtype, []).append(place)
        else:
            singles.append((field.name, np.array([place])))
    together = [([fields[p].name for p in places], np.array(places)) for places in groups.values()]
    return together, singles
