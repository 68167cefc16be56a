"""All that can be asked of a service, each with what it takes and gives: what OpenAPI calls operations."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from ....data import dialects
from ....data.encoding import dumps, lists
from ..protocols import formats
from . import operations_v2
from .components import many, ref
from .examples import example, first_row
from .operation import JSON, ROWS_REFUSED, Operation
from .schemas import Json

if TYPE_CHECKING:
    from ....inference.fields import Table
    from ..served import Served

_TEXT = "text/plain; charset=utf-8"
_PLAIN_CSV, _CSV, _TSV = "text/csv", "text/csv; charset=utf-8", "text/tab-separated-values; charset=utf-8"
_EVENT = "application/cloudevents+json"
_MLFLOW = ("dataframe_split", "dataframe_records", "instances", "inputs")
_KSERVE = ("instances", "inputs")
_OBJECT: Json = {"type": "object"}
_TEXT_OR_BYTES: Json = {"type": "string"}
_SHAPES = (
    "Takes a record, a list of records, or columns, and answers in the same shape; rows in another format, which "
    "Content-Type names, are answered in that, or in the one that Accept names."
)
_EXPLAINED = (
    "Takes rows as /predict does, and answers for each its `answer`, a `base`, and the `contributions` of its columns, "
    "which add up to the answer: with the base, where that is a number."
)


def operations(served: Served) -> list[Operation]:
    """Those of the service that answers with this version."""
    row = first_row(served.example)
    asked = [*_plain(served, row), *_explained(served, row), *_later(), *_others(served, row)]
    return [*asked, *operations_v2.operations(served, row), *_health(served), *_about()]


def _plain(served: Served, row: Table) -> list[Operation]:
    forms: Json = {name: {"schema": _TEXT_OR_BYTES} for name in formats.TYPES}
    said = lists(row)
    examples = {"text/csv": _csv(said), "application/x-ndjson": dumps(_record(said)).decode()} if row else {}
    takes = forms | {name: {"schema": _TEXT_OR_BYTES, "example": shown} for name, shown in examples.items()}
    events: Json = {name: {"schema": _TEXT_OR_BYTES} for name in (_CSV, _TSV, "text/event-stream")}
    answered = {"anyOf": [ref("Prediction"), many("Prediction"), ref("Predictions")]}
    gives = forms | events | {JSON: {"schema": answered}, _EVENT: {"schema": _OBJECT}}
    how: Json = {"takes": takes | {JSON: _taken(served), _EVENT: {"schema": _OBJECT}}, "gives": gives}
    how |= {"refused": ROWS_REFUSED, "rows": True, "tag": "Predict", "description": _SHAPES}
    return [
        Operation("/predict", "post", "predict", f"Ask {served.name}", **how),
        Operation("/", "post", "predictAtRoot", "The same as /predict", **how),
    ]


def _explained(served: Served, row: Table) -> list[Operation]:
    """What each column adds to an answer."""
    kserve, _ = _forms(dialects.kserve("", served.inputs).ask(row) if row else {}, *_KSERVE)
    told: Json = {**_OBJECT, "required": ["method", "explanations"]}
    how: Json = {"gives": {JSON: {"schema": told}}, "refused": ROWS_REFUSED, "rows": True, "tag": "Explain"}
    takes = {JSON: _taken(served)}
    path, say = f"/v1/models/{served.name}:explain", "What each column adds to the answers"
    return [
        Operation("/explain", "post", "explain", say, takes=takes, description=_EXPLAINED, **how),
        Operation(path, "post", "explainV1", f"{say}, as KServe asks", takes=kserve, **how),
    ]


def _taken(served: Served) -> Json:
    """Plain JSON, with an example of each shape."""
    shown = example(served.inputs, served.example)
    if served.inputs.kind == "array":
        return {"schema": ref("Rows"), "examples": {"rows": {"value": shown}}}
    shapes = [ref("Record"), {**many("Record"), "minItems": 1}]
    nested = any(one.shape for one in served.inputs.fields)
    examples = {"record": {"value": shown}, "records": {"value": [shown]}}
    return {"schema": {"anyOf": shapes if nested else [*shapes, ref("Columns")]}, "examples": examples}


def _record(columns: Json) -> Json:
    return {name: values[0] for name, values in columns.items()}


def _csv(columns: Json) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([columns, _record(columns).values()])
    return written.getvalue()


def _later() -> list[Operation]:
    path, tag, asked = "/results/{id}", "Predict", "a request that came with `Prefer: respond-async`"
    found: Json = {"gives": {JSON: {"schema": {}}}, "refused": (202, 400, 401, 404, 500, 504), "refusal": "AnyRefusal"}
    return [
        Operation(path, "get", "result", f"The answer to {asked}", tag, **found),
        Operation(path, "delete", "forget", f"Forget {asked}, and its answer", tag, refused=(401, 404)),
    ]


def _others(served: Served, row: Table) -> list[Operation]:
    """MLflow's scoring protocol, and KServe's of version 1."""
    takes, gives = _forms(dialects.mlflow("", served.inputs).ask(row) if row else {}, *_MLFLOW)
    takes[_PLAIN_CSV] = {"schema": _TEXT_OR_BYTES}
    mlflow: Json = {"takes": takes, "gives": gives, "refused": ROWS_REFUSED, "rows": True, "refusal": "MlflowRefusal"}
    takes, gives = _forms(dialects.kserve("", served.inputs).ask(row) if row else {}, *_KSERVE)
    kserve: Json = {"takes": takes, "gives": gives, "refused": ROWS_REFUSED, "rows": True}
    models: Json = {"gives": {JSON: {"schema": _OBJECT}}}
    return [
        Operation("/invocations", "post", "invocations", "MLflow's scoring protocol", "MLflow", **mlflow),
        Operation(f"/v1/models/{served.name}:predict", "post", "predictV1", f"Ask {served.name}", "KServe", **kserve),
        Operation("/v1/models", "get", "modelsV1", "The models that there are", "KServe", **models),
    ]


def _forms(shown: Any, *names: str) -> tuple[Json, Json]:
    """What is taken under exactly one of these names, and given as `predictions`."""
    forms = [{**_OBJECT, "required": [name], "properties": {name: {"type": ["object", "array"]}}} for name in names]
    takes = {JSON: {"schema": {"oneOf": forms}, "examples": {"row": {"value": shown}}}}
    answer = {**_OBJECT, "properties": {"predictions": {"type": "array"}}, "required": ["predictions"]}
    return takes, {JSON: {"schema": answer}}


def _health(served: Served) -> list[Operation]:
    tag = "Health"
    told: Json = {"gives": {JSON: {"schema": _OBJECT}}, "tag": tag, "open": True}
    ready, up = told | {"refused": (503,)}, told | {"refused": ()}
    plain = ready | {"gives": {JSON: {"schema": {}}}}
    return [
        Operation("/v2/health/live", "get", "live", "Whether it answers", **up),
        Operation("/v2/health/ready", "get", "ready", "Whether it takes requests", **ready),
        Operation(f"/v2/models/{served.name}/ready", "get", "modelReady", "Whether the model is ready", **ready),
        Operation(f"/v1/models/{served.name}", "get", "readyV1", "The same, as KServe's version 1 asks", **ready),
        Operation("/ping", "get", "ping", "Whether it takes requests, with an empty line as MLflow", **plain),
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
