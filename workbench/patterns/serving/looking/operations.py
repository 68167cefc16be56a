"""All that can be asked of a service, each with what it takes and gives: what OpenAPI calls operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ....data import dialects
from .examples import example, first_row
from .schemas import Json, columns, record, rows

if TYPE_CHECKING:
    from ....inference.fields import Table
    from ..served import Served

JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
ROWS_REFUSED = (400, 401, 403, 404, 413, 415, 429, 500, 504)
LOOK_REFUSED = (401,)
_OBJECT: Json = {"type": "object"}


@dataclass(frozen=True)
class Operation:
    """`path` and `method` with what they are for. `takes` and `gives` are content types with their media objects;
    `refused` the statuses of refusals, whose body `Refusal` describes unless `refusal` names another schema."""

    path: str
    method: str
    id: str
    summary: str
    tag: str
    description: str = ""
    takes: Json = field(default_factory=dict)
    gives: Json = field(default_factory=dict)
    refused: tuple[int, ...] = LOOK_REFUSED
    refusal: str = "Refusal"
    rows: bool = False
    open: bool = False


def operations(served: Served) -> list[Operation]:
    """Those of the service that answers with this version."""
    row = first_row(served.example)
    return [*_plain(served), _mlflow(served, row), *_v2(served, row), *_health(served), *_about()]


def schemas(served: Served) -> Json:
    """What the operations' descriptions refer to by name."""
    inputs, outputs = served.inputs, served.outputs
    taken = {"Rows": rows(inputs.fields[0])} if inputs.kind == "array" else {"Record": record(inputs)}
    nested = any(one.shape for one in inputs.fields)
    given = {"Columns": columns(inputs)} if inputs.kind != "array" and not nested else {}
    return taken | given | {"Prediction": record(outputs), "Predictions": columns(outputs)} | _SHARED


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _many(name: str) -> Json:
    return {"type": "array", "items": _ref(name)}


def _plain(served: Served) -> list[Operation]:
    shown = example(served.inputs, served.example)
    if served.inputs.kind == "array":
        taken, examples = _ref("Rows"), {"rows": {"value": shown}}
    else:
        shapes = [_ref("Record"), {**_many("Record"), "minItems": 1}]
        nested = any(one.shape for one in served.inputs.fields)
        taken = {"anyOf": shapes if nested else [*shapes, _ref("Columns")]}
        examples = {"record": {"value": shown}, "records": {"value": [shown]}}
    given = {"anyOf": [_ref("Prediction"), _many("Prediction"), _ref("Predictions")]}
    events = {"text/event-stream": {"schema": {"type": "string"}}}
    takes, gives = {JSON: {"schema": taken, "examples": examples}}, {JSON: {"schema": given}, **events}
    said = "Takes a record, a list of records, or columns; the answer has the same shape."
    how: Json = {"takes": takes, "gives": gives, "refused": ROWS_REFUSED, "rows": True, "tag": "Predict"}
    return [
        Operation("/predict", "post", "predict", f"Ask {served.name}", description=said, **how),
        Operation("/", "post", "predictAtRoot", "The same as /predict", **how),
        *_later(),
    ]


def _later() -> list[Operation]:
    path, tag, asked = "/results/{id}", "Predict", "a request that came with `Prefer: respond-async`"
    found: Json = {"gives": {JSON: {"schema": {}}}, "refused": (202, 400, 401, 404, 500, 504), "refusal": "AnyRefusal"}
    return [
        Operation(path, "get", "result", f"The answer to {asked}", tag, **found),
        Operation(path, "delete", "forget", f"Forget {asked}, and its answer", tag, refused=(401, 404)),
    ]


def _mlflow(served: Served, row: Table) -> Operation:
    said = dialects.mlflow("", served.inputs).ask(row) if row else {}
    forms = [
        {"type": "object", "required": [name], "properties": {name: {"type": ["object", "array"]}}}
        for name in ("dataframe_split", "dataframe_records", "instances", "inputs")
    ]
    takes = {JSON: {"schema": {"oneOf": forms}, "examples": {"row": {"value": said}}}}
    gives = {"type": "object", "properties": {"predictions": {"type": "array"}}, "required": ["predictions"]}
    how: Json = {"takes": takes, "gives": {JSON: {"schema": gives}}, "refused": ROWS_REFUSED, "rows": True}
    return Operation(
        "/invocations", "post", "invocations", "MLflow's scoring protocol", "MLflow", refusal="MlflowRefusal", **how
    )


def _v2(served: Served, row: Table) -> list[Operation]:
    tag, model = "Open Inference Protocol", f"/v2/models/{served.name}"
    said = dialects.v2("", served.inputs, []).ask(row) if row else {}
    infer: Json = {
        "takes": {JSON: {"schema": _ref("InferRequest"), "examples": {"row": {"value": said}}}},
        "gives": {JSON: {"schema": _ref("InferResponse")}},
        "refused": ROWS_REFUSED,
        "rows": True,
        "tag": tag,
    }
    look: Json = {"gives": {JSON: {"schema": _OBJECT}}, "refused": (401, 404), "tag": tag}
    numbered = f"{model}/versions/{served.version}"
    return [
        Operation(f"{model}/infer", "post", "infer", f"Ask {served.name} with tensors", **infer),
        Operation(f"{numbered}/infer", "post", "inferVersion", f"Ask version {served.version}", **infer),
        Operation("/v2", "get", "server", "What serves, and its extensions", **look),
        Operation(model, "get", "metadata", "The tensors that the model takes and gives", **look),
        Operation(numbered, "get", "versionMetadata", "The tensors of this version", **look),
    ]


def _health(served: Served) -> list[Operation]:
    tag = "Health"
    told: Json = {"gives": {JSON: {"schema": _OBJECT}}, "tag": tag, "open": True}
    ready, up = told | {"refused": (503,)}, told | {"refused": ()}
    plain = up | {"gives": {JSON: {"schema": {}}}}
    return [
        Operation("/v2/health/live", "get", "live", "Whether it answers", **up),
        Operation("/v2/health/ready", "get", "ready", "Whether it takes requests", **ready),
        Operation(f"/v2/models/{served.name}/ready", "get", "modelReady", "Whether the model is ready", **ready),
        Operation("/ping", "get", "ping", "Whether it answers, with an empty line as MLflow", **plain),
        Operation("/health", "get", "health", "The same, as MLflow also calls it", **plain),
    ]


def _about() -> list[Operation]:
    tag, text = "About", {"type": "string"}
    json: Json = {"gives": {JSON: {"schema": _OBJECT}}, "tag": tag}
    html = {"text/html; charset=utf-8": {"schema": text}}
    metrics = {"text/plain; version=0.0.4; charset=utf-8": {"schema": text}}
    return [
        Operation("/", "get", "page", "A page for people, with a form", tag, gives=html),
        Operation("/openapi.json", "get", "description", "This description", **json),
        Operation("/schema", "get", "schema", "The fields with their dtypes, for workbench.client", **json),
        Operation("/figures", "get", "figures", "What was counted, as the page draws it", **json),
        Operation("/metrics", "get", "metrics", "Figures for Prometheus", tag, gives=metrics),
        Operation("/version", "get", "version", "Of Workbench", tag, gives={_TEXT: {"schema": text}}),
    ]


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
            "inputs": {"type": "array", "minItems": 1, "items": _ref("Tensor")},
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
            "outputs": {"type": "array", "items": _ref("Tensor")},
        },
    },
    "Later": {
        "type": "object",
        "required": ["id", "state", "result"],
        "properties": {name: {"type": "string"} for name in ("id", "state", "result")},
    },
    "Refusal": _REFUSAL,
    "AnyRefusal": {"anyOf": [_ref("Refusal"), _ref("MlflowRefusal")]},
    "MlflowRefusal": {
        "type": "object",
        "required": ["error_code", "message"],
        "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
    },
}
