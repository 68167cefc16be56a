"""What a service tells of itself: OpenAPI with the model's own fields, and a page for people."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

from .examples import records

if TYPE_CHECKING:
    from ...inference.fields import Field
    from .served import Served

_TYPES = {
    "number": "number",
    "bool": "boolean",
    "text": "string",
    "category": "string",
    "datetime": "string",
    "date": "string",
    "time": "string",
    "timedelta": "string",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code,pre{font:14px/1.4 ui-monospace,monospace}pre{padding:.8rem;border:1px solid #8886;border-radius:4px;"
    "overflow:auto}td,th{text-align:left;padding:.1rem 1.2rem .1rem 0}th{opacity:.65;font-weight:normal}"
)


def version() -> str:
    """Of Workbench."""
    from importlib.metadata import version

    return version("deployment-workbench")


def openapi(served: Served) -> dict[str, Any]:
    """The description of `/predict` and the other paths, as OpenAPI 3.1 has it."""
    example = _example(served)
    row, answer = _object(served.inputs.fields), _object(served.outputs.fields)
    if served.inputs.kind == "array":
        row = {"type": "array", "items": {"type": "number"}}
    many = {"type": "array", "items": row}
    taken = many if served.inputs.kind == "array" else {"oneOf": [row, many]}
    given = {"oneOf": [answer, {"type": "array", "items": answer}]}
    refusal = {"type": "object", "properties": {name: {"type": "string"} for name in ("error", "where", "fix")}}
    responses = {
        "200": _content("the predictions, in the shape of the request", given),
        **{code: _content(said, refusal) for code, said in _REFUSALS.items()},
    }
    body = {"required": True, "content": {"application/json": {"schema": taken, "example": example}}}
    paths = {"/predict": {"post": {"summary": f"Ask {served.name}", "requestBody": body, "responses": responses}}}
    done = {"200": {"description": "as the protocol has it"}}
    paths |= {path: {method: {"summary": said, "responses": done}} for path, method, said in _OTHERS}
    security = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": served.name, "version": str(served.version)},
        "paths": paths,
        "components": {"securitySchemes": security},
        "security": [{"token": []}],
    }


_REFUSALS = {
    "400": "the rows do not fit; the answer names field, row and value",
    "401": "the token is missing or wrong",
    "413": "the body is too large",
    "429": "too many requests wait",
    "500": "the model failed",
}
_OTHERS = (
    ("/invocations", "post", "MLflow's scoring protocol"),
    ("/v2/models/{name}/infer", "post", "Open Inference Protocol, version 2"),
    ("/v2/models/{name}", "get", "what the model takes and gives"),
    ("/v2/health/ready", "get", "whether it takes requests"),
    ("/metrics", "get", "figures for Prometheus"),
)


def _content(said: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": said, "content": {"application/json": {"schema": schema}}}


def _object(fields: tuple[Field, ...]) -> dict[str, Any]:
    properties = {field.name: _schema(field) for field in fields}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _schema(field: Field) -> dict[str, Any]:
    runtime = getattr(field.runtime, "kind", "")
    found: dict[str, Any] = {"type": "integer" if runtime in "iu" and runtime else _TYPES.get(field.kind, "string")}
    if field.kind in ("datetime", "date"):
        found["format"] = "date-time" if field.kind == "datetime" else "date"
    if field.categories is not None:
        found["enum"] = list(field.categories)
    if field.optional:
        found["type"] = [found["type"], "null"]
    for _ in field.shape:
        found = {"type": "array", "items": found}
    return found


def _example(served: Served) -> Any:
    found = records(served.inputs, served.example) if served.example else []
    if served.inputs.kind == "array":
        return found
    return found[0] if found else {}


def page(served: Served, name: str) -> bytes:
    """What answers here, what it takes, and how it is asked: a page that loads nothing from elsewhere."""
    own = name.partition("/")[2]
    example = html.escape(json.dumps(_example(served), ensure_ascii=False))
    fields = "".join(
        f"<tr><td><code>{html.escape(field.name)}</code></td><td>{html.escape(field.dtype)}</td>"
        f"<td>{'may be missing' if field.optional else ''}</td></tr>"
        for field in served.inputs.fields
    )
    answers = ", ".join(f"<code>{html.escape(field.name)}</code>" for field in served.outputs.fields)
    call = f"curl -H \"Authorization: Bearer $(workbench token {own})\" URL/predict -d '{example}'"
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{served.ref}</title><style>{_STYLE}</style>'
        f"<h1>{html.escape(served.ref)}</h1><p>It answers {answers} for each row.</p>"
        f"<table><tr><th>takes</th><th>type</th><th></th></tr>{fields}</table>"
        f"<h2>Ask it</h2><pre>{call}</pre>"
        "<p>One record, a list of records, or columns: the answer has the same shape. MLflow's "
        "<code>/invocations</code> and the Open Inference Protocol's <code>/v2</code> are there too; "
        '<a href="openapi.json">openapi.json</a> describes it, <a href="metrics">metrics</a> are for Prometheus.</p>'
    )
    return text.encode()
