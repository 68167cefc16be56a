"""Frames of the notebook: in parts to a predictor, back with their predictions, and on to a sink."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import BadInput, UsageError
from .answers import free_names
from .columns import ValueTypes
from .pieces import PIECE_ROWS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..inference.schema import Schema

_ONE_CALL = 4 * PIECE_ROWS
"""Frames up to so many rows are scored in one call; larger ones in parts, with a progress bar."""


def frame_of(given: Any) -> tuple[pd.DataFrame, Any]:
    """The frame that the predictions go beside, and what the model is given: the same, or the arrays as they came."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    if isinstance(given, pd.DataFrame):
        return given, given
    if isinstance(given, pd.Series):
        raise UsageError("a Series has no columns to predict from", fix="series.to_frame()")
    if isinstance(given, np.ndarray) and given.ndim:
        return pd.DataFrame(index=pd.RangeIndex(len(given))), given
    if isinstance(given, dict):
        return _frame_of_dict(given), given
    if isinstance(given, list):
        frame = pd.DataFrame(given)
        return frame, frame
    if hasattr(given, "__arrow_c_stream__"):
        frame = pa.table(given).to_pandas()
        return frame, frame
    kind = type(given).__name__
    raise UsageError(
        f"a {kind} is nothing to predict from", fix="give a frame, an array, or the name of a file or table"
    )


def _frame_of_dict(given: dict[str, Any]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    lengths = {name: len(values) for name, values in given.items()}
    if len(set(lengths.values())) != 1:
        raise BadInput(f"the columns have different numbers of rows: {lengths}", fix="give as many values to each")
    flat = {name: values for name, values in given.items() if np.ndim(values) == 1}
    return pd.DataFrame(flat, index=pd.RangeIndex(next(iter(lengths.values()))))


def parts(given: Any, *, whole: bool) -> Iterator[tuple[int, Any]]:
    """The rows in parts, each with its first row: all in one where they are few, or where `whole`."""
    if isinstance(given, dict):
        yield 0, given
        return
    rows = len(given)
    step = rows if whole or rows <= _ONE_CALL else PIECE_ROWS
    for first in range(0, rows, step or 1):
        part = (
            given
            if step == rows
            else given.iloc[first : first + step]
            if hasattr(given, "iloc")
            else given[first : first + step]
        )
        yield first, part


def joined(frame: pd.DataFrame, answers: list[dict[str, Any]], model: str) -> pd.DataFrame:
    """The frame, its index kept, with the predictions beside its columns."""
    import pandas as pd

    names = free_names(list(answers[0]), [str(name) for name in frame.columns], model)
    columns = {new: _stacked([answer[name] for answer in answers]) for name, new in names.items()}
    predictions = pd.DataFrame(columns, index=frame.index)
    if frame.columns.nlevels > 1:
        filler = [""] * (frame.columns.nlevels - 1)
        predictions.columns = pd.MultiIndex.from_tuples([(name, *filler) for name in predictions.columns])
    return pd.concat([frame, predictions], axis=1) if len(frame.columns) else predictions


def _stacked(values: list[Any]) -> Any:
    import numpy as np
    import pandas as pd

    if isinstance(values[0], np.ndarray) and values[0].ndim > 1:
        return [row for part in values for row in part]
    if len(values) == 1:
        return values[0]
    return pd.concat([pd.Series(part) for part in values], ignore_index=True).array


def no_rows(outputs: Schema | None) -> dict[str, Any]:
    """The predictions of no rows."""
    import numpy as np
    import pandas as pd

    if outputs is None:
        return {"prediction": np.empty(0)}
    return {field.name: pd.Series([], dtype=field.dtype).array for field in outputs.fields}


def with_dtypes(frame: pd.DataFrame, table: pa.Table, schema: Schema) -> pd.DataFrame:
    """The frame with the dtypes that the model knows for its own columns."""
    names = [name for name in schema.names if name in table.column_names]
    if names != list(schema.names) or any(field.shape for field in schema.fields):
        return frame
    decoded = schema.decode(table.select(names))
    return frame.assign(**{name: decoded[name] for name in names})


def tables(frame: pd.DataFrame | None) -> Iterator[tuple[pa.Table, None]]:
    """The frame as Arrow tables of one schema; an index that says something comes first, as columns."""
    import pandas as pd
    import pyarrow as pa

    assert frame is not None
    if not isinstance(frame.index, pd.RangeIndex) or frame.index.name is not None:
        frame = frame.reset_index()
    if frame.columns.nlevels > 1:
        frame = frame.set_axis(["_".join(filter(None, map(str, names))) for names in frame.columns], axis=1)
    table = pa.table({str(name): _column(frame.iloc[:, i]) for i, name in enumerate(frame.columns)})
    for first in range(0, max(table.num_rows, 1), PIECE_ROWS):
        yield table.slice(first, PIECE_ROWS), None


def _column(values: pd.Series) -> Any:
    import pyarrow as pa

    try:
        # NaN of a floating-point column stays NaN; in objects it means a missing value
        array = pa.array(values, from_pandas=values.dtype.kind != "f")
        return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        plain = [None if value is None or value != value else value for value in values]
        types = ValueTypes()
        types.add("values", plain)
        return types.build("values", plain)
