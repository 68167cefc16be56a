"""Values of any origin -> exactly the dtype that a model saw, or the row that does not fit.

Each conversion works on whole columns and raises where one value does not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BadInput
from . import arrow, objects, refusing
from .numbers import numbers, truths
from .times import datetimes, days, timedeltas
from .unfit import Unfit

if TYPE_CHECKING:
    from .fields import Array, Field

_KNOWN_SHOWN = 12


def kind(dtype: Any) -> str:
    """How values become this dtype; categories are told by their field."""
    import pandas as pd

    if isinstance(dtype, pd.ArrowDtype):
        return "arrow"
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if isinstance(dtype, pd.StringDtype):
        return "text"
    kinds = {"b": "bool", "U": "text", "O": "text", "M": "datetime", "m": "timedelta"}
    return kinds.get(dtype.kind, "number")


def cast(field: Field, values: Any, first_row: int) -> Array:
    """`values` as `field` has them. BadInput names the column, row, value and expectation."""
    if arrow.is_arrow(values):
        if arrow.fits(field, values):
            return arrow.decode(field, values)
        values = (arrow.labelled if field.kind == "category" else arrow.natural)(values, field.name)
    column = plain(values, field.name)
    if field.conforms(column):
        return column
    if column.shape[1:] != field.shape:
        raise refusing.other_shape(field, column.shape[1:])
    flat = column.reshape(-1) if field.shape else column
    try:
        made = convert(field, flat)
    except refusing.FAILURES as error:
        raise refusing.refusal(field, flat, first_row, error, convert) from None
    return made.reshape(column.shape) if field.shape else made


def plain(values: Any, name: str) -> Array:
    """A numpy array or pandas ExtensionArray of what may be a series, a list or anything that is like an array."""
    import pandas as pd

    if isinstance(values, pd.Series | pd.Index):
        values = values.array
    if isinstance(values, list | tuple):
        return _from_list(values, name)
    if isinstance(values, pd.api.extensions.ExtensionArray):
        has_numpy = type(values) is pd.arrays.NumpyExtensionArray or isinstance(values.dtype, np.dtype)
        return np.asarray(values) if has_numpy else values
    made = np.asarray(values)
    if made.ndim == 0:
        raise BadInput(
            f"column {name!r} is one value, {refusing.shown(values)}",
            column=name,
            fix="give a list of values, one per row",
        )
    return made


def _from_list(values: Any, name: str) -> np.ndarray[Any, Any]:
    """Lists of text stay objects: numpy would make text of the numbers among them."""
    try:
        made = np.array(values)
    except ValueError:
        raise BadInput(
            f"column {name!r} has rows of different lengths", column=name, fix="give each row as many values"
        ) from None
    return np.array(values, dtype=object) if made.dtype.kind in "USO" else made


def convert(field: Field, values: Array) -> Array:
    """One-dimensional values as `field` has them; raises for any that does not fit."""
    kind = field.kind
    if kind == "category":
        return _categories(field, values)
    values = dense(values)
    if kind == "number":
        return numbers(field.runtime, values)
    if kind == "bool" and field.dtype != "object":
        return truths(field.runtime, values)
    if kind == "text":
        return _text(field, values)
    if kind == "datetime":
        return datetimes(field.runtime, values)
    if kind == "timedelta":
        return timedeltas(field.runtime, values)
    return _arrow(field, values) if kind == "arrow" else _objects(field, values)


def dense(values: Array) -> Array:
    """Categories and sparse values as what they stand for."""
    import pandas as pd

    if isinstance(values, pd.Categorical):
        return values.categories.array.take(values.codes, allow_fill=True) if len(values.categories) else _nones(values)
    return np.asarray(values) if isinstance(values.dtype, pd.SparseDtype) else values


def _nones(values: Array) -> Array:
    return np.full(len(values), None, object)


def _objects(field: Field, values: Array) -> Array:
    if field.kind == "date" and getattr(values.dtype, "kind", "") == "M":
        values = days(values)
    return objects.convert(field.kind, field.missing, np.asarray(values, dtype=object))


def _text(field: Field, values: Array) -> Array:
    """Numbers are no text: the zeros before a postal code would be lost already."""
    if values.dtype.kind == "U" and field.runtime.kind == "U":
        return values
    import pandas as pd

    if values.dtype == field.runtime and field.dtype != "object":
        return values
    made = objects.convert("text", field.missing, np.asarray(values, dtype=object))
    if field.dtype == "object":
        return made
    if isinstance(field.runtime, np.dtype):
        if pd.isna(made).any():
            raise Unfit("is missing")
        return made.astype("U")
    return pd.array(made, dtype=field.runtime)


def _arrow(field: Field, values: Array) -> Array:
    """pandas's Arrow dtypes take what Arrow itself converts without loss."""
    import pandas as pd

    if values.dtype == field.runtime:
        return values
    return pd.array(np.asarray(values, dtype=object), dtype=field.runtime)


def _categories(field: Field, values: Array) -> Array:
    """pandas makes unknown categories missing without a word; here they do not fit."""
    import pandas as pd

    if isinstance(values, pd.Categorical):
        codes, distinct = values.codes, values.categories
    else:
        codes, distinct = pd.factorize(dense(values))
    used = np.unique(codes[codes >= 0])
    known = field.runtime.categories
    labels = convert(field.labels, plain(distinct[used], field.name))
    places = known.get_indexer(pd.Index(labels, dtype=known.dtype))
    if (places < 0).any():
        raise Unfit(f"is none of the categories {_listed(field.categories)}")
    recoded = np.full(len(distinct) + 1, -1, np.intp)  # the last place is that of code -1, a missing value
    recoded[used] = places
    return pd.Categorical.from_codes(recoded[codes], dtype=field.runtime)


def _listed(known: Any) -> str:
    shown = ", ".join(map(repr, known[:_KNOWN_SHOWN]))
    return f"{shown}, … ({len(known)} in all)" if len(known) > _KNOWN_SHOWN else shown
