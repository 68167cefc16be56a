"""Data of any kind that people give -> its columns by name; columns by name -> the kind that a model takes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BadInput
from .arrow import is_arrow
from .casting import plain

if TYPE_CHECKING:
    from .fields import Array, Field, Table
    from .schema import Schema

ONLY = "x"
"""The name of the one field of a model that takes an array."""

_SHOWN = 12
_COMPARED = 1000
_BLOCK_ROWS = 2048


def columns(data: Any, schema: Schema) -> Mapping[str, Any]:
    """The columns of a frame, an Arrow table, an array, a dict of arrays or a list of records, as they are."""
    if isinstance(data, dict):
        return _fitting(data, schema)
    if is_arrow(data):
        return _fitting({name: data.column(i) for i, name in enumerate(data.schema.names)}, schema)
    if hasattr(data, "iloc"):
        return _fitting(_of_frame(data, schema), schema)
    if isinstance(data, list | tuple) and data and isinstance(data[0], Mapping):
        return _of_records(data, schema)
    if schema.kind == "array":
        return {ONLY: _of_array(data, schema.fields[0])}
    raise BadInput(
        f"the model takes {expects(schema)}, not {_kind_of(data)}", fix=f"give a frame with {expects(schema)}"
    )


def expects(schema: Schema) -> str:
    """What a model takes, in words."""
    if schema.kind == "array":
        return f"an array of shape ({', '.join(['rows', *map(str, schema.fields[0].shape)])})"
    return f"the columns {_names(schema.names)}"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown}, … ({len(names)} in all)" if len(names) > _SHOWN else shown


def _kind_of(data: Any) -> str:
    shape = getattr(data, "shape", None)
    return f"an array of shape {tuple(shape)}" if shape else f"a {type(data).__name__}"


def _of_frame(frame: Any, schema: Schema) -> dict[str, Any]:
    """The frame's own arrays: a pandas method for each column would cost more than the model."""
    if not hasattr(frame, "columns"):
        raise BadInput("a series is one column", fix="make it a frame, `.to_frame()`")
    names = frame.columns.tolist()
    twice = len(set(names)) < len(names) and sorted({n for n in schema.names if names.count(n) > 1})
    if twice:
        raise BadInput(f"the frame has the column {twice[0]!r} twice", column=twice[0], fix="rename one of them")
    wanted = set(schema.names) if schema.kind != "array" else set(names)
    array_of = getattr(frame, "_get_column_array", None) or (lambda i: frame.iloc[:, i].array)
    return {name: array_of(i) for i, name in enumerate(names) if name in wanted}


def _of_records(records: Sequence[Mapping[str, Any]], schema: Schema) -> Mapping[str, Any]:
    """A value that some records lack is missing; a column that all lack is not there."""
    for row, record in enumerate(records):
        if type(record) is not dict and not isinstance(record, Mapping):
            what = f"row {row} is a {type(record).__name__}, no record as row 0 is"
            raise BadInput(what, row=row, fix='give a record for each row, {"name": value, …}')
    there = _named_in(records)
    taken = there if schema.kind == "array" else [name for name in schema.names if name in there]
    return _fitting({name: [record.get(name) for record in records] for name in taken}, schema)


def _named_in(records: Sequence[Mapping[str, Any]]) -> dict[str, None]:
    return dict.fromkeys(name for record in records for name in record)


def _of_array(data: Any, field: Field) -> Any:
    array = plain(data, field.name)
    if array.ndim == len(field.shape) and field.shape:
        raise BadInput(
            f"an array of shape {array.shape} is one row; the model takes rows of them",
            fix="give one row per case, `x.reshape(1, -1)`" if array.ndim == 1 else "give one row per case, `x[None]`",
        )
    return array


def _fitting(found: dict[str, Any], schema: Schema) -> Mapping[str, Any]:
    """Columns for a model that takes an array: named x, named x_0, x_1, …, or as many as the array is wide."""
    if schema.kind != "array" or ONLY in found:
        return found
    (field,) = schema.fields
    if len(field.shape) > 1:
        return found
    width = field.shape[0] if field.shape else 1
    numbered = [f"{ONLY}_{i}" for i in range(width)]
    names = numbered if all(name in found for name in numbered) else list(found)
    if len(names) != width:
        raise BadInput(
            f"the model takes {expects(schema)}; here are {len(names)} columns: {_names([str(n) for n in names])}",
            fix=f"give the {width} columns that it was made with, in their order",
        )
    return {ONLY: _beside([found[name] for name in names], names, field)}


def _beside(parts: list[Any], names: list[str], field: Field) -> Array:
    """Single columns as the columns of one array; each is cast alone, so that a bad value names its own."""
    cast = [_single(field, name).cast(part) for part, name in zip(parts, names, strict=True)]
    rows(dict(zip(names, cast, strict=True)))
    return _stacked(cast) if field.shape else cast[0]


@lru_cache(4096)
def _single(field: Field, name: str) -> Field:
    """The field of one column of an array; what it has found of its dtype serves for the next rows too."""
    from dataclasses import replace

    return replace(field, name=name, shape=())


def _stacked(parts: list[Array]) -> Array:
    """Columns as one array of rows; some rows at a time stay in the cache, which is four times as fast."""
    made = np.empty((len(parts[0]), len(parts)), parts[0].dtype)
    for start in range(0, len(made), _BLOCK_ROWS):
        for place, part in enumerate(parts):
            made[start : start + _BLOCK_ROWS, place] = part[start : start + _BLOCK_ROWS]
    return made


def refuse_missing(data: Any, found: Mapping[str, Any], schema: Schema) -> None:
    """BadInput for the columns that are not there, with those that may be meant."""
    missing = [name for name in schema.names if name not in found]
    if not missing:
        return
    names = data.columns if hasattr(data, "iloc") else _named_in(data) if isinstance(data, list | tuple) else found
    there = list(map(str, names))
    near = {name: match[0] for name in missing[:_SHOWN] if (match := _close(name, there))}
    meant = "".join(f"; {there!r} may be meant for {name!r}" for name, there in near.items())
    noun, verb = ("column", "is") if len(missing) == 1 else ("columns", "are")
    raise BadInput(
        f"{noun} {', '.join(map(repr, missing[:_SHOWN]))} {verb} not there{meant}",
        column=missing[0],
        fix=f"the input has {_names(there) or 'no columns'}; the model takes {_names(schema.names)}",
    )


def _close(name: str, there: list[str]) -> list[str]:
    if len(there) > _COMPARED:
        return []  # each costs some microseconds
    lowered = {known.lower(): known for known in reversed(there)}
    found = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    return [lowered[found[0]]] if found else []


def rows(table: Table) -> int:
    """The number of rows; BadInput where columns differ in it."""
    lengths = {name: len(values) for name, values in table.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in list(lengths.items())[:_SHOWN])
        raise BadInput(
            f"the columns differ in their number of rows: {shown}", fix="give as many values for each column"
        )
    return next(iter(lengths.values()), 0)
