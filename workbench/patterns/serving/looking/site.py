"""What is not the data path, as a FastAPI application: the page, metadata, figures. It is made at the first look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from ....data.encoding import dumps
from ....errors import WorkbenchError
from ....monitoring import alarm, prometheus
from ....monitoring.figures import counted
from ..place import Place
from ..protocols import formats
from ..refusals import Refused, body_of, not_taken, status_of
from ..routes import takes_rows
from . import figures, inference, openapi, pages

if TYPE_CHECKING:
    from ..endpoint import Endpoint
    from ..served import Served

_LOOK = ["GET", "HEAD"]
_JSON = "application/json"


def site(endpoint: Endpoint) -> FastAPI:
    """The application that looks at what this endpoint serves; who may look was checked before."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    token, own = endpoint.access.token is not None, _version()
    _add_page(app, endpoint, token=token)

    def served() -> Served:
        return endpoint.live.current()

    @app.api_route("/openapi.json", methods=_LOOK)
    def description(request: Request) -> Response:
        return _json(openapi.description(served(), Place.of(request.scope).url, token=token))

    @app.api_route("/schema", methods=_LOOK)
    def schema() -> Response:
        return _json(_schema(served(), endpoint))

    @app.api_route("/metrics", methods=_LOOK)
    def metrics() -> Response:
        text = prometheus.text(endpoint.metrics.values, served().name)
        text += alarm.prometheus(alarm.kept(endpoint.metrics.folder))
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


def _add_page(app: FastAPI, endpoint: Endpoint, *, token: bool) -> None:
    """The page for people, what it is made of, and the figures that it draws."""
    shown = pages.Pages(endpoint.name, token=token)

    def seen() -> dict[str, Any]:
        return figures.shown(counted(endpoint.metrics.values), endpoint.counted())

    @app.api_route("/", methods=_LOOK)
    @app.api_route("/docs", methods=_LOOK)
    def page(request: Request) -> Response:
        place, near = Place.of(request.scope), ""
        if place.prefix:
            near = f"{request.scope['scheme']}://127.0.0.1:{request.scope['server'][1]}"
        grpc = endpoint.grpc.replace("0.0.0.0", place.hostname).replace("[::]", place.hostname)
        made = shown.page(endpoint.live.current(), place.url, seen(), grpc=grpc, near=near)
        return Response(made, media_type="text/html", headers=pages.HEADERS)

    @app.api_route("/page.css", methods=_LOOK)
    @app.api_route("/page.js", methods=_LOOK)
    def part(request: Request) -> Response:
        name = request.url.path.removeprefix("/")
        return Response(pages.file(name), media_type=pages.FILES[name], headers=pages.HEADERS)

    @app.api_route("/figures", methods=_LOOK)
    def drawn() -> Response:
        return _json(seen())


def _schema(served: Served, endpoint: Endpoint) -> dict[str, object]:
    """What a client needs that gives frames in and gets frames out."""
    return {
        "model": served.name,
        "version": served.version,
        "inputs": served.inputs.to_json(),
        "outputs": served.outputs.to_json(),
        "row_wise": served.predictor.row_wise,
        "max_body": endpoint.limits.max_body,
        "reads": formats.TYPES,
    }


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
