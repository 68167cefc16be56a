"""Columns <-> Arrow, with every dtype, missing value and bit; and Arrow data of other origin, as plain columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

    from .fields import Array, Field


def is_arrow(values: Any) -> bool:
    """Whether these are Arrow's arrays, told without importing Arrow."""
    return type(values).__module__.partition(".")[0] == "pyarrow"


def encode(field: Field, values: Array) -> pa.Array:
    """Conforming values as Arrow has them: dates with a zone as instants, categories as their labels."""
    import pyarrow as pa

    if field.shape:
        flat = _encode_flat(field, np.ascontiguousarray(values).reshape(-1))
        return pa.FixedSizeListArray.from_arrays(flat, math.prod(field.shape))
    return _encode_flat(field, values)


def _encode_flat(field: Field, values: Array) -> pa.Array:
    import pyarrow as pa

    wanted = arrow_type(field)
    if field.kind == "category":
        labels = _encode_flat(field.labels, field.labels.cast(values.categories.array))
        codes = pa.array(values.codes, mask=values.codes < 0)
        return pa.DictionaryArray.from_arrays(codes.cast(pa.int32()), labels).dictionary_decode()
    if field.kind == "decimal":
        return pa.array([None if _absent(v) else str(v) for v in values], wanted)
    if field.kind == "datetime" and not isinstance(values, np.ndarray):
        return pa.array(values.asi8, mask=values.isna()).cast(wanted)
    if field.dtype == "object" or field.kind == "text":
        return pa.array(np.asarray(values, dtype=object), wanted, from_pandas=True)
    return _whole(pa.array(values, wanted))


def _absent(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    if not isinstance(values, pa.ChunkedArray):
        return values
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def arrow_type(field: Field) -> pa.DataType:
    """The Arrow type of one value of the field (of one element, where it has a shape)."""
    import pyarrow as pa

    kinds = {
        "text": pa.large_string(),
        "date": pa.date32(),
        "time": pa.time64("us"),
        "decimal": pa.large_string(),
        "bytes": pa.large_binary(),
        "bool": pa.bool_(),
    }
    if field.kind == "category":
        return arrow_type(field.labels)
    if field.kind == "arrow":
        return field.runtime.pyarrow_dtype
    if field.kind in kinds:
        return kinds[field.kind]
    if field.kind == "datetime" and not isinstance(field.runtime, np.dtype):
        return pa.timestamp(field.runtime.unit, tz="UTC")
    return pa.from_numpy_dtype(getattr(field.runtime, "numpy_dtype", field.runtime))


def fits(field: Field, values: Any) -> bool:
    """Whether Arrow data is as `encode` makes it, so that `decode` takes it straight."""
    import pyarrow as pa

    if field.shape:
        element = getattr(values.type, "value_type", None)
        size = getattr(values.type, "list_size", -1)
        return bool(element == arrow_type(field) and size == math.prod(field.shape) and not values.null_count)
    if field.kind not in ("text", "number", "bool", "arrow") or (values.null_count and not field.optional):
        return False
    text = (pa.string(), pa.large_string())
    return bool(values.type == arrow_type(field) or (field.kind == "text" and values.type in text))


def decode(field: Field, values: pa.Array | pa.ChunkedArray) -> Array:
    """Conforming values out of Arrow data that `fits`, or that `encode` made."""
    from .casting import convert, plain

    values = _whole(values)
    if field.shape:
        return convert(field, natural(values.flatten(), field.name)).reshape(len(values), *field.shape)
    if field.kind == "arrow":
        return _chunked_array(values.cast(arrow_type(field)))
    if field.kind == "text" and field.dtype not in ("object", "<U"):
        return field.runtime.__from_arrow__(values)
    if field.kind in ("number", "bool") and not isinstance(field.runtime, np.dtype):
        return _nullable(field.runtime.construct_array_type(), values)
    made = plain(labelled(values, field.name) if field.kind == "category" else natural(values, field.name), field.name)
    return made if field.conforms(made) else convert(field, made)


def _chunked_array(values: pa.Array) -> Array:
    import pandas as pd

    return pd.arrays.ArrowExtensionArray(values)


def natural(values: Any, name: str) -> Array:
    """Arrow data of any origin as a plain column, without loss: whole numbers with nulls stay whole."""
    import pandas as pd
    import pyarrow as pa

    values = _whole(values)
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    kind = values.type
    if pa.types.is_dictionary(kind):
        return natural(values.dictionary_decode(), name)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _stacked(values, name)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        instants = values.cast(pa.timestamp(kind.unit)).to_numpy(zero_copy_only=False)
        return pd.DatetimeIndex(instants).tz_localize("UTC").tz_convert(kind.tz).array
    if values.null_count and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        return _nullable(pd.arrays.BooleanArray if pa.types.is_boolean(kind) else pd.arrays.IntegerArray, values)
    if _is_text_or_object(kind):
        return np.array(values.to_pylist(), dtype=object) if len(values) else np.empty(0, object)
    if pa.types.is_struct(kind) or pa.types.is_map(kind):
        raise BadInput(
            f"column {name!r} holds records ({kind})", column=name, fix="give each of their fields as a column"
        )
    return values.to_numpy(zero_copy_only=False)


def labelled(values: Any, name: str) -> Array:
    """Arrow data as categories: what is to be cast are the few different values, not all."""
    import pandas as pd
    import pyarrow as pa

    values = _whole(values)
    plain = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    encoded = plain.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(codes, categories=pd.Index(natural(encoded.dictionary, name)))


def _is_text_or_object(kind: pa.DataType) -> bool:
    import pyarrow as pa

    types = pa.types
    return bool(types.is_time(kind) or types.is_decimal(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def _nullable(array_type: type, values: pa.Array) -> Array:
    """pandas's own way from Arrow would make nan missing."""
    import pyarrow as pa

    mask = values.is_null().to_numpy(zero_copy_only=False)
    data = values.fill_null(False if pa.types.is_boolean(values.type) else 0).to_numpy(zero_copy_only=False)
    return array_type(np.array(data), mask)


def _stacked(values: Any, name: str) -> np.ndarray[Any, Any]:
    """Lists of one length as an array with one more dimension."""
    import pyarrow.compute as pc

    lengths = pc.unique(pc.list_value_length(values))
    if values.null_count or len(lengths) > 1:
        raise BadInput(
            f"column {name!r} has rows of different lengths", column=name, fix="give each row as many values"
        )
    elements = np.asarray(natural(values.flatten(), name))
    size = lengths[0].as_py() if len(lengths) else 0
    return elements.reshape(len(values), size, *elements.shape[1:])
