"""A version that answers -> the description of its service, as OpenAPI 3.1 has it, with the model's own fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .examples import example

if TYPE_CHECKING:
    from ....inference.fields import Field
    from ..served import Served

Json = dict[str, Any]

_TYPES = {"number": "number", "bool": "boolean"}
_FORMATS = {"datetime": "date-time", "date": "date"}
_REFUSALS = {
    "400": "the rows do not fit; the answer names column, row and value",
    "401": "the token is missing or wrong",
    "413": "the body is too large",
    "429": "too many requests wait",
    "500": "the model failed",
}
_REFUSAL: Json = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("error", "fix", "column")} | {"row": {"type": "integer"}},
    "required": ["error", "fix"],
}
_OTHERS = (
    ("/invocations", "post", "invocations", "MLflow's scoring protocol"),
    ("/v2/models/{}/infer", "post", "infer", "Open Inference Protocol, version 2"),
    ("/v2/models/{}", "get", "metadata", "what the model takes and gives"),
    ("/v2/health/ready", "get", "ready", "whether it takes requests"),
    ("/metrics", "get", "metrics", "figures for Prometheus"),
)


def description(served: Served, url: str, *, token: bool) -> Json:
    """The paths, what `/predict` takes and answers with an example, and the token where one is asked for."""
    paths = {"/predict": {"post": _predict(served)}}
    for path, method, own, said in _OTHERS:
        done = {"200": {"description": "as the protocol has it"}}
        paths[path.format(served.name)] = {method: {"operationId": own, "summary": said, "responses": done}}
    made: Json = {"openapi": "3.1.0", "info": {"title": served.name, "version": str(served.version)}, "paths": paths}
    if token:
        made |= {"components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}}
        made |= {"security": [{"token": []}]}
    return made


def _predict(served: Served) -> Json:
    taken = _rows(served.inputs.fields[0]) if served.inputs.kind == "array" else _shapes(served.inputs.fields)
    content = {"application/json": {"schema": taken, "example": example(served.inputs, served.example)}}
    said = "the predictions, in the shape of the request"
    responses = {"200": _content(said, _shapes(served.outputs.fields))}
    responses |= {status: _content(why, _REFUSAL) for status, why in _REFUSALS.items()}
    body = {"required": True, "content": content}
    return {
        "operationId": "predict",
        "summary": f"Ask {served.name}",
        "description": "Takes a record, a list of records, or columns.",
        "requestBody": body,
        "responses": responses,
    }


def _content(said: str, schema: Json) -> Json:
    return {"description": said, "content": {"application/json": {"schema": schema}}}


def _shapes(fields: tuple[Field, ...]) -> Json:
    """A record, records or columns of these fields."""
    record, columns = (_object({field.name: of(field) for field in fields}) for of in (_value, _column))
    return {"anyOf": [record, {"type": "array", "items": record}, columns]}


def _object(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _rows(field: Field) -> Json:
    """What a model of one array takes: its rows."""
    return {"type": "array", "items": _value(field), "minItems": 1}


def _column(field: Field) -> Json:
    return {"type": "array", "items": _value(field)}


def _value(field: Field) -> Json:
    """The value of one row: a single one, or nested lists as long as the field's shape."""
    found = _single(field)
    for length in reversed(field.shape):
        found = {"type": "array", "items": found, "minItems": length, "maxItems": length}
    return found


def _single(field: Field) -> Json:
    if field.categories is not None:
        return {"enum": [*field.categories, *([None] if field.optional else [])]}
    whole = getattr(field.runtime, "kind", "") in ("i", "u")
    kind = "integer" if whole else _TYPES.get(field.kind, "string")
    found: Json = {"type": [kind, "null"] if field.optional else kind}
    return found | ({"format": _FORMATS[field.kind]} if field.kind in _FORMATS else {})
