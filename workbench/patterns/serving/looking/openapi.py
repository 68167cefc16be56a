"""A version that answers -> the description of its service, as OpenAPI 3.1 has it, with the model's own fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .components import schemas
from .operation import JSON
from .operations import operations
from .schemas import Json

if TYPE_CHECKING:
    from ..served import Served
    from .operation import Operation

_WHY = {
    202: "not answered yet: ask again",
    400: "the rows do not fit: the answer names column, row and value",
    401: "the token is missing or wrong",
    403: "a page of another site asks, which --cors does not name",
    404: "there is nothing of that name",
    413: "the body is too large",
    415: "the body is of a kind, or compressed in a way, that is not read",
    421: "the request is for another host",
    429: "too many requests wait: ask again",
    500: "the model failed",
    503: "it takes no requests now",
    504: "there was no answer in time",
}
_NO_TOKEN: list[Json] = []
_ID: Json = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_LATER: Json = {"name": "Prefer", "in": "header", "schema": {"const": "respond-async"}, "required": False}
_SECONDS: Json = {
    "name": "X-Request-Timeout",
    "in": "header",
    "description": "the seconds within which an answer is of use",
    "schema": {"type": "number", "exclusiveMinimum": 0},
}


def description(served: Served, url: str, *, token: bool) -> Json:
    """All paths at `url`, what they take and give with an example, and the token where one is asked for."""
    paths: Json = {}
    for operation in operations(served):
        paths.setdefault(operation.path, {})[operation.method] = _described(operation, token=token)
    about = {"title": served.name, "version": str(served.version), "description": served.kept.note or served.ref}
    components: Json = {"schemas": schemas(served)}
    made: Json = {"openapi": "3.1.0", "info": about, "servers": [{"url": url}], "paths": paths}
    if token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        made["security"] = [{"token": []}]
    return made | {"components": components}


def _described(operation: Operation, *, token: bool) -> Json:
    made: Json = {"operationId": operation.id, "summary": operation.summary, "tags": [operation.tag]}
    if operation.description:
        made["description"] = operation.description
    if operation.takes:
        made["requestBody"] = {"required": True, "content": operation.takes}
    if parameters := _parameters(operation):
        made["parameters"] = parameters
    if operation.open and token:
        made["security"] = _NO_TOKEN
    return made | {"responses": _responses(operation, token=token)}


def _parameters(operation: Operation) -> list[Json]:
    return [_ID] * ("{id}" in operation.path) + [_LATER, _SECONDS] * operation.rows


def _responses(operation: Operation, *, token: bool) -> Json:
    content = {"content": operation.gives} if operation.gives else {}
    made: Json = {"200" if operation.gives else "204": {"description": "as asked", **content}}
    if operation.rows:
        made["202"] = _content(
            "kept, to be answered later: `result` says where; or on a queue, which a stream scores", "Later"
        )
    for status in (*operation.refused, 421):
        if token or status not in (401,):
            made[str(status)] = _content(_WHY[status], _body(operation, status))
    return made


def _body(operation: Operation, status: int) -> str:
    """The schema of what is said with a status: who is not let in is told before a protocol is known."""
    if status == 202:
        return "Later"
    return "Refusal" if status in (401, 403, 404, 421) else operation.refusal


def _content(said: str, schema: str) -> Json:
    return {"description": said, "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
