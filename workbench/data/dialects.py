"""How prediction services are asked: a table -> the JSON that each protocol sends, its JSON answer -> columns.

As of the Open Inference Protocol (KServe, Triton, MLServer, ours), MLflow's scoring server, KServe's first protocol
and our own plain JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import NotProven
from ..inference.reading import ONLY
from .encoding import as_list, lists
from .tensors import DTYPES, datatype

if TYPE_CHECKING:
    from ..inference.fields import Field, Table
    from ..inference.schema import Schema

NAMELESS = ""
"""The name of an answer that came without one."""

Columns = dict[str, Any]
_FIX = "look that this is the model, and that its server speaks this protocol"


@dataclass(frozen=True)
class Dialect:
    """One way to ask: `name` for people, `path` to post to, `ask` makes the body, `read` the columns of an answer.
    `otherwise` is tried where the service does not take the first form."""

    name: str
    path: str
    ask: Callable[[Table], Any]
    read: Callable[[Any], Columns]
    otherwise: Callable[[Table], Any] | None = None


def plain(path: str, schema: Schema) -> Dialect:
    """Our own JSON: columns, or rows where a value is a list itself; records for who takes only these."""

    def ask(table: Table) -> Any:
        if schema.kind == "array":
            return as_list(table[ONLY])
        return _records(table) if any(field.shape for field in schema.fields) else lists(table)

    return Dialect("plain JSON", path, ask, _columns, _records if schema.kind == "frame" else None)


def mlflow(path: str, schema: Schema) -> Dialect:
    """MLflow's `/invocations`."""

    def ask(table: Table) -> Any:
        if schema.kind == "frame":
            return {"dataframe_split": {"columns": list(table), "data": _rows(table)}}
        return {"inputs": as_list(table[ONLY]) if schema.kind == "array" else lists(table)}

    return Dialect("MLflow /invocations", path, ask, _predictions)


def kserve(path: str, schema: Schema) -> Dialect:
    """KServe's first protocol, `:predict`: records; rows of plain values where the model takes no names."""
    if schema.kind == "array":
        return Dialect("KServe :predict", path, lambda table: {"instances": as_list(table[ONLY])}, _predictions)
    return Dialect(
        "KServe :predict",
        path,
        lambda table: {"instances": _records(table)},
        _predictions,
        lambda table: {"instances": _rows(table)},
    )


def v2(path: str, schema: Schema, inputs: Sequence[Mapping[str, Any]]) -> Dialect:
    """The Open Inference Protocol with JSON tensors; `inputs` is what the model's metadata says that it takes."""
    declared = {str(one.get("name")): one for one in inputs}

    def ask(table: Table) -> Any:
        if len(declared) == 1 and not declared.keys() & set(schema.names) and _stackable(schema):
            ((name, one),) = declared.items()
            return {"inputs": [_stacked(name, one, table, schema)]}
        tensors = [_tensor(field, table[field.name], declared.get(field.name, {})) for field in schema.fields]
        told = {} if declared else {"parameters": {"content_type": "pd" if schema.kind == "frame" else "np"}}
        return {"inputs": tensors, **told}

    return Dialect("Open Inference Protocol", path, ask, _outputs)


def _rows(table: Table) -> list[list[Any]]:
    return [list(row) for row in zip(*lists(table).values(), strict=True)]


def _records(table: Table) -> list[dict[str, Any]]:
    return [dict(zip(table, row, strict=True)) for row in _rows(table)]


def _stackable(schema: Schema) -> bool:
    return schema.kind == "array" or all(field.kind == "number" and not field.shape for field in schema.fields)


def _stacked(name: str, declared: Mapping[str, Any], table: Table, schema: Schema) -> dict[str, Any]:
    """The columns beside each other, as the one tensor that the model takes."""
    if schema.kind == "array":
        return _tensor(schema.fields[0], table[ONLY], declared) | {"name": name}
    rows = _rows(table)
    kind = declared.get("datatype", "FP64")
    return {"name": name, "shape": [len(rows), len(table)], "datatype": kind, "data": [v for row in rows for v in row]}


def _tensor(field: Field, values: Any, declared: Mapping[str, Any]) -> dict[str, Any]:
    flat = as_list(values.reshape(-1) if field.shape else values)
    kind = str(declared.get("datatype") or _kind(field, flat))
    shape = [len(values), *field.shape]
    if len(shape) == 1 and list(declared.get("shape", ()))[1:] == [1]:
        shape.append(1)
    text = {"parameters": {"content_type": "str"}} if kind == "BYTES" and not declared else {}
    return {"name": field.name, "shape": shape, "datatype": kind, "data": flat, **text}


def _kind(field: Field, values: list[Any]) -> str:
    """The type of the tensor; of numbers that pandas lets be missing, one that holds them as well."""
    kind = datatype(field)
    if kind == "BYTES" and field.kind == "number":
        own = getattr(getattr(field.runtime, "numpy_dtype", None), "kind", "f")
        return {"i": "INT64", "u": "UINT64"}.get(own, "FP64") if None not in values else "FP64"
    return "BOOL" if kind == "BYTES" and field.kind == "bool" and None not in values else kind


def _outputs(said: Any) -> Columns:
    try:
        return {str(one["name"]): _read_tensor(one) for one in said["outputs"]}
    except (KeyError, TypeError, ValueError) as error:
        raise _no_answer("Open Inference Protocol", said) from error


def _read_tensor(tensor: Mapping[str, Any]) -> Any:
    """A list of rows; numbers in single precision as an array of that, so that they are compared so."""
    shape, data = [int(length) for length in tensor["shape"]], tensor["data"]
    if len(shape) > 1 and shape[-1] == 1:
        shape.pop()
    single = tensor["datatype"] in ("FP16", "FP32")
    values = np.array(data, dtype=DTYPES[tensor["datatype"]] if single else object).reshape(-1)
    if math.prod(shape) != len(values):
        raise ValueError(f"{len(values)} values for the shape {shape}")
    values = values.reshape(shape)
    return values if single else values.tolist()


def _predictions(said: Any) -> Columns:
    try:
        return _columns(said["predictions"])
    except (KeyError, TypeError) as error:
        raise _no_answer("predictions", said) from error


def _columns(said: Any) -> Columns:
    """Records, columns or values as columns."""
    if isinstance(said, dict) and said and all(isinstance(values, list) for values in said.values()):
        return dict(said)
    if isinstance(said, list) and said and all(isinstance(row, dict) for row in said):
        if all(row.keys() == said[0].keys() for row in said):
            return {name: [row[name] for row in said] for name in said[0]}
    elif isinstance(said, list):
        return {NAMELESS: said}
    raise _no_answer("rows", said)


def _no_answer(what: str, said: Any) -> NotProven:
    kind = f"an object of {', '.join(map(str, list(said)[:5]))}" if isinstance(said, dict) else type(said).__name__
    return NotProven(f"the answer holds no {what}: it is {kind}", fix=_FIX)
