"""What a model's function returned -> a table with one value per row, or what is wrong with it in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ModelFailed

if TYPE_CHECKING:
    from .fields import Array, Table

PREDICTION = "prediction"
"""The name of an answer that has none."""

_FIX = "return one value per row (array, series, list), or a frame or 2-D array with as many rows"


def answer_table(returned: Any, rows: int, *, name: str = "predict") -> Table:
    """The answer to `rows` rows as named columns.

    `prediction` for one value per row, `prediction_0`, … for a 2-D array, else the names that the answer has.
    Rows that the model re-ordered are put back by their index. ModelFailed for an answer of another shape.
    """
    table = _columns(returned, rows, name)
    if not table:
        raise ModelFailed(f"{name} answered no columns", fix=_FIX)
    for column, values in table.items():
        if len(values) != rows:
            where = "" if len(table) == 1 else f" in {column!r}"
            said = f"{name} answered {_count(len(values), 'value')}{where} for {_count(rows, 'row')}"
            raise ModelFailed(said, fix=_FIX)
    return table


def _columns(returned: Any, rows: int, name: str) -> Table:
    if type(returned) is np.ndarray:
        return _of_array(returned, name)
    if hasattr(returned, "iloc"):
        return _of_pandas(returned, rows, name)
    if isinstance(returned, Mapping):
        return {str(key): _of_values(values, name, str(key)) for key, values in returned.items()}
    if isinstance(returned, list | tuple) and returned and isinstance(returned[0], Mapping):
        return _of_pandas(_frame(returned), rows, name)
    values = _of_values(returned, name)
    return _of_array(values, name) if isinstance(values, np.ndarray) else {PREDICTION: values}


def _of_array(array: np.ndarray[Any, Any], name: str) -> Table:
    if array.ndim == 0:
        raise _no_answer(array[()], name)
    if array.ndim != 2:
        return {PREDICTION: _settled(array)}
    if array.shape[1] == 1:
        return {PREDICTION: _settled(array[:, 0])}
    return {f"{PREDICTION}_{i}": _settled(column) for i, column in enumerate(np.ascontiguousarray(array.T))}


def _settled(array: np.ndarray[Any, Any]) -> Array:
    """Python numbers in an array of objects become numbers; text and all else stay what they are."""
    if array.dtype != object or array.ndim > 1:
        return array
    import pandas as pd

    if pd.api.types.infer_dtype(array) in ("string", "empty"):
        return array
    return _plain(pd.Series(array, dtype=object).infer_objects())


def _plain(series: Any) -> Array:
    """The series' own array; numpy's where it has one."""
    return series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array


def _of_pandas(returned: Any, rows: int, name: str) -> Table:
    returned = _in_order(returned, rows)
    if not hasattr(returned, "columns"):
        return {PREDICTION: _settle_plain(returned)}
    names = [_column_name(column) for column in returned.columns.tolist()]
    if twice := sorted({column for column in names if names.count(column) > 1}):
        raise ModelFailed(f"{name} answered the column {twice[0]!r} twice", fix="give each column a name of its own")
    return {column: _settle_plain(returned.iloc[:, i]) for i, column in enumerate(names)}


def _settle_plain(series: Any) -> Array:
    values = _plain(series)
    return _settled(values) if isinstance(values, np.ndarray) else values


def _column_name(column: Any) -> str:
    if isinstance(column, tuple):
        return "_".join(map(str, column))
    return column if isinstance(column, str) else f"{PREDICTION}_{column}"


def _in_order(returned: Any, rows: int) -> Any:
    """By the index that the rows were given, where the answer has the same index in another order."""
    index = returned.index
    if len(index) != rows or (getattr(index, "step", None) == 1 and index.start == 0) or index.dtype.kind not in "iu":
        return returned
    numbers = index.to_numpy()
    order = np.argsort(numbers, kind="stable")
    is_shuffled = np.array_equal(numbers[order], np.arange(rows))
    return returned.iloc[order] if is_shuffled else returned


def _of_values(values: Any, name: str, key: str = "") -> Array:
    """One value per row out of whatever holds values: a list, a pandas array, a tensor."""
    import pandas as pd

    if type(values) is np.ndarray and values.ndim:
        return _settled(values)
    if isinstance(values, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        return _settle_plain(pd.Series(values))
    if isinstance(values, list | tuple):
        return _of_list(values, name)
    if hasattr(values, "__array__") and np.ndim(values):
        try:
            return np.asarray(values)
        except Exception as error:
            raise ModelFailed(
                f"{name} answered a {_type(values)} that is no array: {error}",
                fix="return a numpy array, `.detach().cpu().numpy()` of a tensor",
            ) from error
    raise _no_answer(values, name, key)


def _of_list(values: Any, name: str) -> Array:
    import pandas as pd

    if values and (isinstance(values[0], list | tuple) or np.ndim(values[0])):
        try:
            return np.array(values)
        except ValueError:
            raise ModelFailed(f"{name} answered lists of different lengths", fix=_FIX) from None
    return _plain(pd.Series(list(values), dtype=None if values else float))


def _frame(records: Any) -> Any:
    import pandas as pd

    return pd.DataFrame(list(records))


def _no_answer(returned: Any, name: str, key: str = "") -> ModelFailed:
    where = f" in {key!r}" if key else ""
    if returned is None:
        return ModelFailed(f"{name} answered None{where}", fix=f"end it with a `return`: {_FIX}")
    if hasattr(returned, "__next__"):
        return ModelFailed(f"{name} answered a {_type(returned)}{where}", fix="return its values, `list(…)`")
    if isinstance(returned, str | bytes | bool | int | float | np.generic):
        shown = repr(returned) if len(repr(returned)) <= 60 else f"{repr(returned)[:59]}…"
        return ModelFailed(f"{name} answered one value, {shown}{where}", fix=_FIX)
    fix = "make it an array, `.toarray()`" if hasattr(returned, "toarray") else None
    fix = fix or ("make it a pandas frame, `.to_pandas()`" if hasattr(returned, "to_pandas") else _FIX)
    return ModelFailed(f"{name} answered a {_type(returned)}{where}", fix=fix)


def _type(returned: Any) -> str:
    kind = type(returned)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
