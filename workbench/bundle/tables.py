"""Tables (named columns of arrays) on disk, and put together from rows of others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from ..inference.schema import Schema

Table = dict[str, Any]


def n_rows(table: Table) -> int:
    """The number of rows of a table."""
    return len(next(iter(table.values()))) if table else 0


def take(table: Table, rows: Sequence[int] | np.ndarray) -> Table:
    """The rows at these positions, in their order, as a table of its own."""
    import numpy as np

    positions = np.asarray(rows, dtype=np.intp)
    return {name: values[positions] for name, values in table.items()}


def concat(tables: Sequence[Table]) -> Table:
    """Tables of the same columns and dtypes, one below the other."""
    return {name: _concat([table[name] for table in tables]) for name in tables[0]}


def _concat(parts: list[Any]) -> Any:
    import numpy as np

    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    import pandas as pd

    return pd.concat([pd.Series(part) for part in parts], ignore_index=True).array


def write_table(file: Path, table: Table, schema: Schema) -> None:
    """Writes a table as Parquet, exactly: `read_table` gives the same dtypes, missing values and bits."""
    import pyarrow.parquet as pq

    with file.open("wb") as stream:
        pq.write_table(schema.encode(table), stream, compression="zstd")


def read_table(file: Path, schema: dict[str, Any], rows: int | None = None) -> Table:
    """The table in a Parquet file that `write_table` wrote, by its schema as JSON; or its first `rows`.

    A few are read without arrow's threads and buffers, which would stay in the memory of a small worker.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ..inference.schema import Schema

    if rows is None:
        return Schema.from_json(schema).decode(pq.ParquetFile(file).read())
    with pq.ParquetFile(file, memory_map=True) as parquet:
        first = pa.Table.from_batches(islice(parquet.iter_batches(rows, use_threads=False), 1), parquet.schema_arrow)
        found = take(Schema.from_json(schema).decode(first), range(first.num_rows))
    del first, parquet
    pa.default_memory_pool().release_unused()
    return found
