"""The Jupyter server extension: what the side panel asks over HTTP, answered as the verbs answer with --json.

Where it starts, what should run is looked after again: in a container nobody else does that after a restart.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from .. import paths
from ..errors import NotFound, UsageError, WorkbenchError
from ..operations.running import Running

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

_STATUS = {NotFound: 404, UsageError: 400}


class LookHandler(APIHandler):
    """`GET workbench/api/VERB[?name=NAME]` for the verbs that only look."""

    @web.authenticated
    async def get(self, verb: str) -> None:
        name = self.get_query_argument("name", None)
        try:
            self.finish(json.dumps(await asyncio.to_thread(_look, verb, name)))
        except WorkbenchError as error:
            self.set_status(next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500))
            self.finish(json.dumps({"message": error.what, "where": error.where, "fix": error.fix}))


def _look(verb: str, name: str | None) -> Any:
    from ..api import Workbench

    return getattr(Workbench(), verb)(name).to_json()


def _load_jupyter_server_extension(app: ServerApp) -> None:
    route = url_path_join(app.web_app.settings["base_url"], "workbench", "api", "(status|models)")
    app.web_app.add_handlers(".*$", [(route, LookHandler)])  # type: ignore[no-untyped-call]
    try:
        Running(paths.home()).looked_at()
    except WorkbenchError as error:
        app.log.warning(f"Workbench: {error}")
