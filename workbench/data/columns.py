"""The one type of each column, found from all its values: text and Python values to Arrow."""

from __future__ import annotations

import datetime
import decimal
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
"""Text that means a missing value in a CSV file, as `pandas.read_csv` has it."""

_STEPS = ("int64", "float64", "string")
_FITS = (
    r"^-?(0|[1-9][0-9]{0,17})$",
    r"^-?(((0|[1-9][0-9]{0,14})(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|inf)$",
)


def twice(names: Iterable[str]) -> list[str]:
    """The names that come again, in order."""
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]


def without_missing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The text with null where it means a missing value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = pc.is_in(column, value_set=pa.array(MISSING))
    return pc.if_else(missing, pa.scalar(None, column.type), column)


def typed(column: pa.ChunkedArray, wanted: pa.DataType | None) -> pa.ChunkedArray:
    """Text as the wanted numbers where all of it is; else as it is, for the schema to name what is wrong."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = without_missing(column)
    if wanted is None or not (pa.types.is_floating(wanted) or pa.types.is_integer(wanted)):
        return column
    if pa.types.is_integer(wanted) and pc.any(pc.match_substring_regex(column, "[xX]")).as_py():
        return column  # Arrow would read 0x10 as 16
    try:
        return pc.cast(column, wanted)
    except pa.ArrowInvalid:
        return column


class TextTypes:
    """Folds over pieces of text columns: whole numbers, numbers or text, such that `007` stays text."""

    def __init__(self) -> None:
        self.steps: dict[str, int] = {}

    def add(self, name: str, column: pa.ChunkedArray) -> None:
        import pyarrow.compute as pc

        values = pc.drop_null(without_missing(column))
        step = self.steps.get(name, 0)
        while step < len(_FITS) and len(values) and not pc.all(pc.match_substring_regex(values, _FITS[step])).as_py():
            step += 1
        self.steps[name] = step

    def apply(self, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        import pyarrow.compute as pc

        return pc.cast(without_missing(column), _STEPS[self.steps[name]])


@dataclass
class _Seen:
    kinds: set[type] = field(default_factory=set)
    wide: bool = False
    digits: int = 0
    scale: int = 0
    zoned: set[bool] = field(default_factory=set)


class ValueTypes:
    """Folds over columns of Python values (of JSON, SQL, a sheet) to the one Arrow type that holds them all."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    @property
    def names(self) -> list[str]:
        return list(self._seen)

    def add(self, name: str, values: Sequence[Any]) -> None:
        seen = self._seen.setdefault(name, _Seen())
        kinds = set(map(type, values)) - {type(None)}
        seen.kinds |= kinds
        if int in kinds:
            whole = [v for v in values if type(v) is int]
            seen.wide = seen.wide or not -(2**63) <= min(whole) <= max(whole) < 2**63
        if decimal.Decimal in kinds:
            self._add_decimals(seen, (v for v in values if type(v) is decimal.Decimal))
        if datetime.datetime in kinds:
            seen.zoned |= {v.tzinfo is not None for v in values if type(v) is datetime.datetime}

    @staticmethod
    def _add_decimals(seen: _Seen, values: Iterable[decimal.Decimal]) -> None:
        for value in values:
            _, digits, exponent = value.as_tuple()
            if not isinstance(exponent, int):
                seen.wide = True
                continue
            seen.scale = max(seen.scale, -exponent)
            seen.digits = max(seen.digits, len(digits) + exponent)

    def type_of(self, name: str) -> pa.DataType:
        """The type of the column; text where nothing else holds all values."""
        import pyarrow as pa

        seen = self._seen[name]
        kinds = frozenset(seen.kinds)
        if kinds == {datetime.datetime} and len(seen.zoned) == 1:
            return pa.timestamp("us", tz="UTC" if True in seen.zoned else None)
        if kinds == {datetime.datetime, datetime.date} and True not in seen.zoned:
            return pa.timestamp("us")
        if kinds <= {int, float, decimal.Decimal} and kinds and not seen.wide:
            return _number_type(kinds, seen)
        simple: Mapping[frozenset[type], pa.DataType] = {
            frozenset({bool}): pa.bool_(),
            frozenset({datetime.date}): pa.date32(),
            frozenset({datetime.time}): pa.time64("us"),
            frozenset({bytes}): pa.binary(),
        }
        return simple.get(kinds, pa.string())

    def build(self, name: str, values: Sequence[Any]) -> pa.Array:
        """The values as the column's type."""
        import pyarrow as pa

        wanted = self.type_of(name)
        if wanted == pa.string():
            return pa.array([as_text(value) for value in values], wanted)
        if pa.types.is_floating(wanted):
            values = [None if value is None else float(value) for value in values]
        return pa.array(values, wanted)


def _number_type(kinds: frozenset[type], seen: _Seen) -> pa.DataType:
    import pyarrow as pa

    if float in kinds:
        return pa.float64()
    if decimal.Decimal not in kinds:
        return pa.int64()
    digits = max(seen.digits, 19 if int in kinds else 1)
    return pa.decimal128(digits + seen.scale, seen.scale) if digits + seen.scale <= 38 else pa.string()


def as_text(value: Any) -> str | None:
    """A value as text: text as it is, lists and records as JSON, the rest as Python writes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat(sep=" ") if isinstance(value, datetime.datetime) else str(value)
