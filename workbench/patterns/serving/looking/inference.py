"""What the Open Inference Protocol and Triton's extensions of it tell beside predictions: metadata, figures, the
repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from ....data.encoding import dumps
from .. import body
from ..live import named_in
from ..protocols import v2_about
from ..routes import check_model

if TYPE_CHECKING:
    from ..endpoint import Endpoint
    from ..served import Served

_LOOK = ["GET", "HEAD"]
_MODELS = ("/v2/models/{name}", "/v2/models/{name}/versions/{number}")


def router(endpoint: Endpoint, version: str) -> APIRouter:
    """The paths under /v2 that take no rows; `version` is Workbench's."""
    paths = APIRouter()

    def served(request: Request, ending: str = "") -> Served:
        path = request.url.path.removesuffix(ending)
        found = endpoint.at(path)
        check_model(path, found)
        return found

    @paths.api_route("/v2", methods=_LOOK)
    def server() -> Response:
        return _json({"name": "workbench", "version": version, "extensions": v2_about.EXTENSIONS})

    @paths.api_route("/v2/models", methods=_LOOK)
    def models() -> Response:
        return _json({"models": [endpoint.live.current().name]})

    @paths.api_route("/v2/models/stats", methods=_LOOK)
    def all_statistics() -> Response:
        return _json(v2_about.statistics(endpoint.live.current().name, endpoint.counted()))

    for model in _MODELS:

        @paths.api_route(model, methods=_LOOK)
        def metadata(request: Request) -> Response:
            return _json(v2_about.metadata(served(request), endpoint.versions))

        @paths.api_route(f"{model}/config", methods=_LOOK)
        def config(request: Request) -> Response:
            return _json(v2_about.config(served(request, "/config")))

        @paths.api_route(f"{model}/stats", methods=_LOOK)
        def statistics(request: Request) -> Response:
            one = served(request, "/stats")
            return _json(v2_about.statistics(one.name, endpoint.counted(one if named_in(request.url.path) else None)))

    _repository(paths, endpoint)
    return paths


def _repository(paths: APIRouter, endpoint: Endpoint) -> None:
    async def said(request: Request) -> Any:
        content = await body.read(request.receive, dict(request.headers.raw), endpoint.limits.max_body)
        return body.json(content, fix='send JSON, as in {"ready": true}, or nothing') if content else None

    @paths.post("/v2/repository/index")
    async def index(request: Request) -> Response:
        asked = await said(request)
        only_ready = type(asked) is dict and asked.get("ready") is True
        return _json(v2_about.index(endpoint.versions, ready=endpoint.ready, only_ready=only_ready))

    @paths.post("/v2/repository/models/{name}/load")
    async def load(name: str, request: Request) -> Response:
        return _json(v2_about.load(name, await said(request), endpoint.live.current()))

    @paths.post("/v2/repository/models/{name}/unload")
    async def unload(name: str) -> None:
        v2_about.refuse_unload(name, endpoint.live.current(), endpoint.name)


def _json(said: object) -> Response:
    return Response(dumps(said), media_type="application/json")
