"""Dates and lengths of time of any origin -> the very unit and zone of a model, without loss."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np

from .unfit import Unfit

_ZONE = re.compile(r"[T ]\d{2}.*(?:[zZ]|[+-]\d{2}(?::?\d{2})?)$")
_BARE_NUMBER = re.compile(r"\s*[-+]?[\d.]+\s*")


def datetimes(dtype: Any, values: Any) -> Any:
    """Dates and times in the unit and zone of `dtype`; text is ISO 8601. With a zone and without never mix."""
    zone = getattr(dtype, "tz", None)
    index = _date_index(values, zoned=zone is not None)
    index = index.tz_convert(zone) if zone is not None else index
    made = _in_unit(index, _unit(dtype))
    return made.array if zone is not None else np.array(made.asi8).view(dtype)


def timedeltas(dtype: Any, values: Any) -> Any:
    """Lengths of time in the unit of `dtype`; text as pandas and ISO 8601 write it."""
    import pandas as pd

    if values.dtype.kind == "m":
        return np.array(_in_unit(pd.TimedeltaIndex(values), _unit(dtype)).asi8).view(dtype)
    items = _items(values, str | datetime.timedelta | np.timedelta64)
    if any(isinstance(v, str) and _BARE_NUMBER.fullmatch(v) for v in items):
        raise Unfit("has no unit", "write lengths of time as `2 days`, `01:30:00` or `PT5M`")
    return np.array(_in_unit(pd.to_timedelta(items), _unit(dtype)).asi8).view(dtype)


def days(values: Any) -> Any:
    """Dates without a time of day, as objects; raises ValueError for others."""
    import pandas as pd

    index = pd.DatetimeIndex(values)
    if index.tz is not None or not ((index == index.normalize()) | index.isna()).all():
        raise ValueError("a time of day or a zone")
    return index.date


def _unit(dtype: Any) -> str:
    return str(np.datetime_data(dtype)[0] if isinstance(dtype, np.dtype) else dtype.unit)


def _in_unit(index: Any, unit: str) -> Any:
    made = index.as_unit(unit)
    if not np.array_equal(made.as_unit(index.unit).asi8, index.asi8):
        raise Unfit(f"is finer than {unit}", f"round it, `.dt.floor('{unit}')`")
    return made


def _date_index(values: Any, *, zoned: bool) -> Any:
    import pandas as pd

    if values.dtype.kind == "M":
        index = pd.DatetimeIndex(values)
        _check_zone(index.tz is not None, zoned)
        return index
    items = _items(values, str | datetime.date | np.datetime64)
    for value in items:
        if not pd.isna(value):
            _check_zone(_has_zone(value), zoned)
    return pd.to_datetime(items, format="ISO8601", utc=zoned)


def _items(values: Any, types: Any) -> Any:
    import pandas as pd

    items = np.asarray(values, dtype=object)
    if not all(isinstance(v, types) for v in items[~pd.isna(items)]):
        raise TypeError(types)
    return items


def _has_zone(value: Any) -> bool:
    return bool(_ZONE.search(value)) if isinstance(value, str) else getattr(value, "tzinfo", None) is not None


def _check_zone(has: bool, wanted: bool) -> None:
    if has and not wanted:
        raise Unfit(
            "has a zone; the model takes times without one", "`.dt.tz_localize(None)` in the zone that is meant"
        )
    if wanted and not has:
        raise Unfit("has no zone; the model takes times with one", "name their zone, `.dt.tz_localize('UTC')`")
