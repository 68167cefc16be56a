"""dtypes as text: what pandas and numpy write, and what can be read back exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import BundleRefused

ANY_WIDTH = "<U"
"""numpy's fixed-width text; the width is that of the longest value, so it is no part of the dtype."""

_NUMPY_NAMES = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"} | {
    "float16",
    "float32",
    "float64",
    "object",
}
_TIME_UNITS = {"s", "ms", "us", "ns"}


def written(dtype: Any) -> str | None:
    """The text of a dtype, or None for one that a schema cannot hold (complex, period, interval, sparse)."""
    if isinstance(dtype, np.dtype):
        return _written_numpy(dtype)
    import pandas as pd

    if isinstance(dtype, pd.StringDtype):
        return _written_string(dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    known = (pd.DatetimeTZDtype, pd.BooleanDtype, pd.ArrowDtype)
    if not isinstance(dtype, known) and not hasattr(dtype, "numpy_dtype"):
        return None
    return str(dtype) if _reads_back(dtype) else None


def _written_numpy(dtype: np.dtype[Any]) -> str | None:
    if dtype.kind == "U":
        return ANY_WIDTH
    if dtype.kind in "mM":
        unit = np.datetime_data(dtype)
        return dtype.newbyteorder("=").name if unit[0] in _TIME_UNITS and unit[1] == 1 else None
    return dtype.name if dtype.name in _NUMPY_NAMES else None


def _written_string(dtype: Any) -> str | None:
    """`str`, `string`; the storage is written only where it is not this pandas's own choice."""
    import pandas as pd

    name = "string" if dtype.na_value is pd.NA else "str"
    for text in (name, f"{name}[python]", f"{name}[pyarrow]"):
        if _same_string(read(text), dtype):
            return text
    return None


def _same_string(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a.storage == b.storage and (a.na_value is b.na_value or a.na_value != a.na_value)


def _reads_back(dtype: Any) -> bool:
    try:
        return bool(read(str(dtype)) == dtype)
    except (TypeError, ValueError, NotImplementedError, BundleRefused):
        return False


def code(dtype: Any) -> str:
    """numpy's short name of a dtype of numbers or booleans, `f8`, also of pandas's that know missing ones; else ""."""
    dtype = getattr(dtype, "numpy_dtype", dtype)
    return dtype.str[1:] if isinstance(dtype, np.dtype) and dtype.kind in "biuf" else ""


def read(text: str) -> Any:
    """The dtype that `text` stands for. Raises BundleRefused for `str` where pandas has no such dtype yet."""
    import pandas as pd

    if text == ANY_WIDTH:
        return np.dtype("U")
    if text == "str" or text.startswith("str["):
        return _read_str(text)
    return pd.api.types.pandas_dtype(text)


def _read_str(text: str) -> Any:
    import pandas as pd

    try:
        storage = text[4:-1] or None
        return pd.StringDtype(storage, na_value=np.nan)
    except TypeError:
        raise BundleRefused(
            f"the dtype str needs pandas 3; here is pandas {pd.__version__}", fix="pip install 'pandas>=3'"
        ) from None
