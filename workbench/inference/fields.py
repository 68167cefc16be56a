"""One named column as a model saw it: its dtype, shape, categories and missing values, and what is made to fit it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BadInput
from . import arrow, casting, dtypes, objects

if TYPE_CHECKING:
    import pyarrow as pa

Array = Any
"""A numpy array of shape (rows, …), or a pandas ExtensionArray of as many rows."""

Table = dict[str, Array]
"""Named columns of equally many rows: what predictors take and give."""

_FIXES = {
    "period": "make it a date, `.dt.to_timestamp()`",
    "interval": "make it text, `.astype(str)`",
    "Sparse": "make it dense, `.sparse.to_dense()`",
    "complex": "give its real and imaginary parts as two columns",
    "category": "make its categories text or numbers, `.astype(str)`",
}


@dataclass(frozen=True)
class Field:
    """A column. `dtype` is as pandas and numpy write it; `shape` that of one row's value, `()` for a single one.

    A column of dtype object also says what it `holds` (text, bool, date, time, decimal, bytes) and which
    `missing` value it uses (None, nan, NA, NaT). Categories have an order, and a dtype of their own.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    categories: tuple[Any, ...] | None = None
    categories_dtype: str = ""
    ordered: bool = False
    holds: str = ""
    missing: str = "None"

    @classmethod
    def infer(cls, name: str, values: Array) -> Field:
        """The field of an example's column. BadInput, with the fix, for what cannot be held exactly."""
        values = casting.plain(values, name)
        written = dtypes.written(values.dtype)
        shape = tuple(values.shape[1:])
        if written is None or 0 in shape:
            raise _refused(name, values.dtype, shape)
        if written == "category":
            return _infer_category(name, values.dtype)
        if written != "object":
            return cls(name, written, shape)
        flat = values.reshape(-1)
        holds = objects.holds(flat)
        if holds is None:
            raise _mixed(name, flat)
        return cls(name, written, shape, holds=holds, missing=objects.missing(flat))

    @cached_property
    def kind(self) -> str:
        """How values are made to fit: number, bool, text, category, datetime, timedelta, date, … or arrow."""
        return self.holds or casting.kind(self.runtime)

    @cached_property
    def runtime(self) -> Any:
        """The dtype itself, as pandas or numpy has it here."""
        if self.categories is None:
            return dtypes.read(self.dtype)
        import pandas as pd

        index = pd.Index(list(self.categories), dtype=self.labels.runtime)
        return pd.CategoricalDtype(index, ordered=self.ordered)

    @cached_property
    def labels(self) -> Field:
        """The field of the categories' own values."""
        return Field(self.name, self.categories_dtype, holds="text" if self.categories_dtype == "object" else "")

    @cached_property
    def codes(self) -> tuple[dict[str | None, int], Any]:
        """The code of each category that is text, and of a missing value, and the dtype of the codes."""
        import pandas as pd

        known = self.categories or ()
        dtype = pd.Categorical([], dtype=self.runtime).codes.dtype
        if self.labels.kind != "text":
            return {}, dtype
        return {**{label: code for code, label in enumerate(known)}, None: -1}, dtype

    @cached_property
    def optional(self) -> bool:
        """Whether a row may lack a value: all dtypes but numpy's whole numbers, booleans and text."""
        return not (isinstance(self.runtime, np.dtype) and self.runtime.kind in "biuU")

    @cached_property
    def code(self) -> str:
        """numpy's short name of numbers and booleans, `f8`, also where one may be missing; "" for all else."""
        return "b1" if self.holds == "bool" else dtypes.code(self.runtime)

    @cached_property
    def array_type(self) -> Any:
        """The type of arrays whose dtype alone says that they conform; for text of dtype object nothing does."""
        if isinstance(self.runtime, np.dtype):
            return np.ndarray if self.runtime.kind not in "OU" else type(None)
        return self.runtime.construct_array_type()

    def cast(self, values: Any, *, first_row: int = 0) -> Array:
        """`values` as this field has them; the very array where it conforms already.

        Numbers are read from text, whole numbers from floats where exact, categories and dates from text.
        BadInput names the column, the row (`first_row` is that of values[0]), the value and what is expected.
        """
        return values if self.conforms(values) else casting.cast(self, values, first_row)

    def conforms(self, values: Any) -> bool:
        """Whether these are an array as `cast` makes it, told by its type, dtype and shape alone."""
        if type(values) is not self.array_type or values.shape[1:] != self.shape:
            return False
        dtype, runtime = values.dtype, self.runtime
        if dtype is runtime or self.categories is None:
            return bool(dtype == runtime)
        known = runtime.categories  # pandas calls categories in another order equal; models that read codes do not
        return bool(
            dtype.ordered == self.ordered and dtype.categories.dtype == known.dtype and dtype.categories.equals(known)
        )

    def to_arrow(self, values: Array) -> pa.Array:
        """Values that conform, for Arrow and Parquet; `from_arrow` gives them back with every bit."""
        return arrow.encode(self, values)

    def from_arrow(self, values: pa.Array | pa.ChunkedArray) -> Array:
        """The values out of what `to_arrow` made."""
        return arrow.decode(self, values)

    def to_json(self) -> dict[str, Any]:
        """What JSON can hold, without what is at its default."""
        found: dict[str, Any] = {"name": self.name, "dtype": self.dtype}
        if self.shape:
            found["shape"] = list(self.shape)
        if self.categories is not None:
            found |= {"categories": list(self.categories), "categories_dtype": self.categories_dtype}
            found["ordered"] = self.ordered
        if self.holds:
            found |= {"holds": self.holds, "missing": self.missing}
        return found

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Field:
        """The field that `to_json` wrote."""
        categories = found.get("categories")
        made = {**found, "shape": tuple(found.get("shape", ()))}
        return cls(**{**made, "categories": None if categories is None else tuple(categories)})


def _infer_category(name: str, dtype: Any) -> Field:
    index = dtype.categories
    written = dtypes.written(index.dtype)
    labels = Field(name, written or "", holds="text" if written == "object" else "")
    text = written != "object" or objects.holds(index.to_numpy()) == "text"
    if written is None or not text or labels.kind not in ("number", "bool", "text"):
        raise _refused(name, "category", ())
    values = tuple(index.to_numpy(dtype=object).tolist())
    return Field(name, "category", (), values, written, bool(dtype.ordered))


def _refused(name: str, dtype: Any, shape: tuple[int, ...]) -> BadInput:
    if 0 in shape:
        what = f"column {name!r} has values of shape {shape}, which are empty"
        return BadInput(what, column=name, fix="leave the column out, or give it values")
    text = str(dtype)
    fix = next((f for start, f in _FIXES.items() if text.startswith(start)), "make it numbers, text or dates")
    if getattr(dtype, "kind", "") in ("m", "M"):
        fix = "use seconds, milliseconds, microseconds or nanoseconds, `.astype('datetime64[s]')`"
    return BadInput(f"column {name!r} is of dtype {text}, which a schema cannot hold", column=name, fix=fix)


def _mixed(name: str, values: Array) -> BadInput:
    kinds, fix = objects.found(values)
    return BadInput(f"column {name!r} is of dtype object and holds {kinds}", column=name, fix=fix)
