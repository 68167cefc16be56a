"""The Open Inference Protocol, version 2, over REST with JSON tensors.

https://github.com/kserve/open-inference-protocol (specification/protocol/inference_rest.md).
"""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np

from ....data.encoding import dumps
from ....data.tensors import DTYPES, datatype
from ....inference.reading import ONLY
from .. import body
from ..exchange import Question, Reply
from ..refusals import Refused, twice

if TYPE_CHECKING:
    from ....data.decoding import Decoder
    from ....inference.fields import Field
    from ....inference.schema import Schema
    from ..batcher import Answer
    from ..exchange import Request
    from ..served import Served

_SHOWN = '{"inputs": [{"name": …, "shape": [rows], "datatype": "FP64", "data": [values]}]}'
_LONGEST = 2**31


def metadata(served: Served) -> dict[str, Any]:
    """What the model takes and gives."""
    platform = "workbench_python"
    inputs, outputs = (_tensors(schema) for schema in (served.inputs, served.outputs))
    return {
        "name": served.name,
        "versions": [str(served.version)],
        "platform": platform,
        "inputs": inputs,
        "outputs": outputs,
    }


def _tensors(schema: Schema) -> list[dict[str, Any]]:
    return [{"name": f.name, "datatype": datatype(f), "shape": [-1, *f.shape]} for f in schema.fields]


def ask(request: Request, decoder: Decoder) -> Question:
    """Read an inference request. Refused where a tensor is not what it says."""
    said = body.json(request.content)
    if type(said) is not dict or type(said.get("inputs")) is not list or not said["inputs"]:
        raise Refused("the request has no inputs", fix=_SHOWN)
    tensors = [_tensor(found) for found in said["inputs"]]
    if again := twice([name for name, _ in tensors]):
        raise Refused(f"the input {again!r} is there twice", fix="give each input once")
    rows = len(tensors[0][1])
    if any(len(values) != rows for _, values in tensors):
        lengths = ", ".join(f"{name} {len(values)}" for name, values in tensors)
        raise Refused(f"the inputs differ in their number of rows: {lengths}", fix="give each as many")
    data = _columns(tensors, decoder)
    wanted = _wanted(said.get("outputs") or [])
    asked = str(said.get("id") or uuid.uuid4())
    return Question(decoder.of_columns(data), data, rows, lambda answer: _answered(answer, asked, wanted))


def _wanted(outputs: Any) -> list[str]:
    """The names of the outputs that are asked for."""
    if type(outputs) is not list or any(type(o) is not dict or type(o.get("name")) is not str for o in outputs):
        raise Refused("outputs is no list of names", fix='outputs: [{"name": …}], or leave it out to get all')
    return [output["name"] for output in outputs]


def _tensor(found: Any) -> tuple[str, list[Any]]:
    try:
        name, shape, kind, data = found["name"], found["shape"], found["datatype"], found["data"]
    except (KeyError, TypeError) as error:
        raise Refused("an input lacks name, shape, datatype or data", fix=_SHOWN) from error
    if type(name) is not str or type(kind) is not str:
        raise Refused(f"an input has the name {name!r} and the datatype {kind!r}; both are text", fix=_SHOWN)
    if type(shape) is not list or any(type(length) is not int or not 0 <= length <= _LONGEST for length in shape):
        raise Refused(f"input {name!r}: {shape!r} is no shape", fix=f"a list of lengths, as in {_SHOWN}")
    if kind not in DTYPES and kind != "BYTES":
        raise Refused(f"input {name!r}: datatype {kind} is not known", fix=f"one of {', '.join(DTYPES)}, BYTES")
    if not shape:
        raise Refused(f"input {name!r} has no shape", fix=_SHOWN)
    values = _flat(data, len(shape))
    if math.prod(shape) != len(values):
        said = f"input {name!r} has {len(values)} values; its shape {shape} has {math.prod(shape)}"
        raise Refused(said, fix="give as many values as the shape has, row by row")
    if len(shape) == 2 and shape[1] == 1:
        shape = shape[:1]
    return name, values if len(shape) == 1 else np.array(values, dtype=object).reshape(shape).tolist()


def _flat(data: Any, most: int) -> list[Any]:
    """Row-major values, nested at most so deep."""
    values = data if type(data) is list else [data]
    for _ in range(most - 1):
        if not any(type(part) is list for part in values):
            break
        values = [value for part in values for value in (part if type(part) is list else (part,))]
    return values


def _columns(tensors: list[tuple[str, list[Any]]], decoder: Decoder) -> dict[str, Any]:
    """One input per column; or one two-dimensional one for an array model, or for as many columns as it is wide."""
    schema = decoder.schema
    if len(tensors) != 1 or schema.names == [tensors[0][0]]:
        return dict(tensors)
    ((_, rows),) = tensors
    if schema.kind == "array":
        return {ONLY: rows}
    wide = rows and type(rows[0]) is list and len(rows[0]) == len(schema.names)
    return {n: [row[i] for row in rows] for i, n in enumerate(schema.names)} if wide else dict(tensors)


def _answered(answer: Answer, asked: str, wanted: list[Any]) -> Reply:
    served = answer.served
    unknown = [name for name in wanted if name not in answer.columns]
    if unknown:
        raise Refused(f"there is no output {unknown[0]!r}", fix=f"outputs: {', '.join(answer.columns)}")
    fields = {field.name: field for field in served.outputs.fields}
    outputs = [_output(name, answer.columns[name], fields.get(name)) for name in wanted or answer.columns]
    said = {"model_name": served.name, "model_version": str(served.version), "id": asked, "outputs": outputs}
    return Reply(dumps(said))


def _output(name: str, values: list[Any], field: Field | None) -> dict[str, Any]:
    kind = datatype(field) if field else "BYTES"
    shape = [len(values), *(field.shape if field else ())]
    if kind == "BYTES":
        values = [_text(value) for value in values]
    return {"name": name, "shape": shape, "datatype": kind, "data": _flat(values, len(shape))}


def _text(value: Any) -> str | None:
    """BYTES of a value; a missing one is null, whether it is None or NaN."""
    if value is None or value != value:
        return None
    return value if isinstance(value, str) else str(value)
