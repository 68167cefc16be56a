"""What can be asked of a service in the Open Inference Protocol, version 2, and Triton's extensions of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....data import dialects
from .components import ref
from .operation import JSON, ROWS_REFUSED, Operation
from .schemas import Json

if TYPE_CHECKING:
    from ....inference.fields import Table
    from ..served import Served

_TAG = "Open Inference Protocol"
_BINARY: Json = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_OBJECT: Json = {"type": "object"}
_LIST: Json = {"type": "array", "items": _OBJECT}
_BYTES = "JSON, then the binary data of tensors; Inference-Header-Content-Length says where the JSON ends."


def operations(served: Served, row: Table) -> list[Operation]:
    """Those of this version; `row` is one to ask about."""
    model = f"/v2/models/{served.name}"
    return [*_infer(served, model, row), *_told(served, model), *_repository(served)]


def _infer(served: Served, model: str, row: Table) -> list[Operation]:
    said = dialects.v2("", served.inputs, []).ask(row) if row else {}
    how: Json = {
        "takes": {JSON: {"schema": ref("InferRequest"), "examples": {"row": {"value": said}}}, **_BINARY},
        "gives": {JSON: {"schema": ref("InferResponse")}, **_BINARY},
        "refused": ROWS_REFUSED,
        "rows": True,
        "tag": _TAG,
        "description": _BYTES,
    }
    numbered = f"{model}/versions/{served.version}/infer"
    return [
        Operation(f"{model}/infer", "post", "infer", f"Ask {served.name} with tensors", **how),
        Operation(numbered, "post", "inferVersion", f"Ask version {served.version}", **how),
    ]


def _told(served: Served, model: str) -> list[Operation]:
    how: Json = {"gives": {JSON: {"schema": _OBJECT}}, "refused": (401, 404), "tag": _TAG}
    found = [
        Operation("/v2", "get", "server", "What serves, and its extensions", **how),
        Operation("/v2/models", "get", "models", "The models that there are", **how),
        Operation("/v2/models/stats", "get", "allStatistics", "What was counted", **how),
    ]
    for path, ending in ((model, ""), (f"{model}/versions/{served.version}", "OfVersion")):
        found += [
            Operation(path, "get", f"metadata{ending}", "The tensors that the model takes and gives", **how),
            Operation(f"{path}/config", "get", f"config{ending}", "The model as Triton describes it", **how),
            Operation(f"{path}/stats", "get", f"statistics{ending}", "What was counted of the model", **how),
        ]
    return found


def _repository(served: Served) -> list[Operation]:
    takes, refused = {JSON: {"schema": _OBJECT}}, (400, 401, 403, 404, 413)
    how: Json = {"tag": _TAG, "takes": takes, "refused": refused}
    path = f"/v2/repository/models/{served.name}"
    return [
        Operation("/v2/repository/index", "post", "index", "The models, and whether they are ready",
                  gives={JSON: {"schema": _LIST}}, **how),
        Operation(f"{path}/load", "post", "load", "What answers here is loaded: nothing changes",
                  gives={JSON: {"schema": _OBJECT}}, **how),
        Operation(f"{path}/unload", "post", "unload", "Always refused: a service keeps its model", **how),
    ]  # fmt: skip
