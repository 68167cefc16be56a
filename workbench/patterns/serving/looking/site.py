"""What is not the data path, as a FastAPI application: the page, metadata, figures. It is made at the first look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from ....data.encoding import dumps
from ....errors import WorkbenchError
from ....monitoring import prometheus
from ..refusals import Refused, body_of, not_taken, status_of
from ..routes import takes_rows
from . import inference, openapi, pages

if TYPE_CHECKING:
    from ..endpoint import Endpoint
    from ..served import Served

_LOOK = ["GET", "HEAD"]
_JSON = "application/json"


def site(endpoint: Endpoint) -> FastAPI:
    """The application that looks at what this endpoint serves; who may look was checked before."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    token, own = endpoint.access.token is not None, _version()

    def served() -> Served:
        return endpoint.live.current()

    @app.api_route("/", methods=_LOOK)
    @app.api_route("/docs", methods=_LOOK)
    def page(request: Request) -> Response:
        url = f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"
        return Response(pages.page(served(), endpoint.name, url, token=token), media_type="text/html")

    @app.api_route("/openapi.json", methods=_LOOK)
    def description() -> Response:
        return _json(openapi.description(served(), token=token))

    @app.api_route("/metrics", methods=_LOOK)
    def metrics() -> Response:
        text = prometheus.text(endpoint.metrics.values, served().name)
        return Response(text, headers={"content-type": prometheus.CONTENT_TYPE})

    @app.api_route("/version", methods=_LOOK)
    def version() -> Response:
        """MLflow's, where it is installed beside: its tools compare this with their own."""
        return Response(_version("mlflow") or _version("mlflow-skinny") or own, media_type="text/plain")

    @app.api_route("/v1/models", methods=_LOOK)
    def models() -> Response:
        return _json({"models": [served().name]})

    app.include_router(inference.router(endpoint, own))
    app.add_exception_handler(WorkbenchError, _refused)
    app.add_exception_handler(HTTPException, _not_there)
    return app


def _json(said: object) -> Response:
    return Response(dumps(said), media_type=_JSON)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, WorkbenchError)
    headers = error.headers if isinstance(error, Refused) else ()
    response = Response(dumps(body_of(error)), status_of(error), media_type=_JSON)
    for name, value in headers:
        response.headers[name.decode()] = value.decode()
    return response


def _not_there(request: Request, error: Exception) -> Response:
    """Another method than this path takes, or no such path."""
    assert isinstance(error, HTTPException)
    method, path = request.method, request.url.path
    rows = takes_rows(path)
    if error.status_code == 405 or rows:
        allowed = "POST" if rows else ", ".join(sorted((error.headers or {}).get("Allow", "GET").split(", ")))
        fix = f"POST rows to {path}; GET / shows how" if rows else f"{allowed} {path}, or POST rows to /predict"
        return _refused(request, not_taken(method, path, allowed.encode(), fix))
    fix = "POST /predict, /invocations, /v1/models/NAME:predict or /v2/models/NAME/infer; GET / shows how"
    return _refused(request, Refused(f"there is nothing at {path}", fix=fix, status=404))


def _version(package: str = "deployment-workbench") -> str:
    """Of an installed package; empty where it is not there."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
