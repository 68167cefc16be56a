"""All that can be asked of a service, each with what it takes and gives: what OpenAPI calls operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....data import dialects
from . import operations_v2
from .components import many, ref
from .examples import example, first_row
from .operation import JSON, ROWS_REFUSED, Operation
from .schemas import Json

if TYPE_CHECKING:
    from ....inference.fields import Table
    from ..served import Served

_TEXT = "text/plain; charset=utf-8"
_OBJECT: Json = {"type": "object"}


def operations(served: Served) -> list[Operation]:
    """Those of the service that answers with this version."""
    row = first_row(served.example)
    return [*_plain(served), _mlflow(served, row), *operations_v2.operations(served, row), *_health(served), *_about()]


def _plain(served: Served) -> list[Operation]:
    shown = example(served.inputs, served.example)
    if served.inputs.kind == "array":
        taken, examples = ref("Rows"), {"rows": {"value": shown}}
    else:
        shapes = [ref("Record"), {**many("Record"), "minItems": 1}]
        nested = any(one.shape for one in served.inputs.fields)
        taken = {"anyOf": shapes if nested else [*shapes, ref("Columns")]}
        examples = {"record": {"value": shown}, "records": {"value": [shown]}}
    given = {"anyOf": [ref("Prediction"), many("Prediction"), ref("Predictions")]}
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
