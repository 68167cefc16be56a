"""What the operations of a service refer to by name: the model's own schemas, and those that every service has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .schemas import Json, columns, record, rows

if TYPE_CHECKING:
    from ..served import Served


def schemas(served: Served) -> Json:
    """What the operations' descriptions refer to by name."""
    inputs, outputs = served.inputs, served.outputs
    taken = {"Rows": rows(inputs.fields[0])} if inputs.kind == "array" else {"Record": record(inputs)}
    nested = any(one.shape for one in inputs.fields)
    given = {"Columns": columns(inputs)} if inputs.kind != "array" and not nested else {}
    return taken | given | {"Prediction": record(outputs), "Predictions": columns(outputs)} | _SHARED


def ref(name: str) -> Json:
    """The schema of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def many(name: str) -> Json:
    """A list of what this name means."""
    return {"type": "array", "items": ref(name)}


_TENSOR: Json = {
    "type": "object",
    "required": ["name", "shape", "datatype", "data"],
    "properties": {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "datatype": {"type": "string"},
        "data": {"type": "array"},
    },
}
_REFUSAL: Json = {
    "type": "object",
    "required": ["error", "fix"],
    "properties": {
        "error": {"type": "string", "description": "what is wrong"},
        "fix": {"type": "string", "description": "what to do"},
        "where": {"type": "string"},
        "column": {"type": "string", "description": "the field whose value does not fit"},
        "row": {"type": "integer", "description": "its row, from 0"},
    },
}
_SHARED: Json = {
    "Tensor": _TENSOR,
    "InferRequest": {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "inputs": {"type": "array", "minItems": 1, "items": ref("Tensor")},
            "outputs": {"type": "array", "items": {"type": "object", "required": ["name"]}},
        },
    },
    "InferResponse": {
        "type": "object",
        "required": ["model_name", "outputs"],
        "properties": {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "outputs": {"type": "array", "items": ref("Tensor")},
        },
    },
    "Later": {
        "type": "object",
        "required": ["id", "state"],
        "properties": {name: {"type": "string"} for name in ("id", "state", "result", "queue")},
    },
    "Refusal": _REFUSAL,
    "AnyRefusal": {"anyOf": [ref("Refusal"), ref("MlflowRefusal")]},
    "MlflowRefusal": {
        "type": "object",
        "required": ["error_code", "message"],
        "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
    },
}
