"""The Jupyter server extension: what the side panel asks over HTTP, answered as the verbs answer.

Where it starts, what should run is looked after again: in a container nobody else does that after a restart.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from .. import paths
from ..errors import NotFound, UsageError, WorkbenchError
from ..operations.running import Running
from .panel import panel

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from ..api import Workbench

_STATUS = {NotFound: 404, UsageError: 400}
LOOKING = ("status", "models", "deployments", "runs", "schedules", "history")
DOING = (
    *("start", "stop", "restart", "pause", "resume", "remove", "open"),
    *("serve", "promote", "rollback", "batch", "app"),
)
"""The verbs that the panel may ask for; what shows a token or a model's rows is not among them."""


class _Handler(APIHandler):
    """Answers with JSON, refusals too."""

    async def _answer(self, asked: Callable[[], Any]) -> None:
        try:
            self.finish(json.dumps(await asyncio.to_thread(asked), default=str))
        except WorkbenchError as error:
            self.set_status(next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500))
            self.finish(json.dumps({"message": error.what, "where": error.where, "fix": error.fix}))


class LookHandler(_Handler):
    """`GET workbench/api/VERB[?name=NAME]` for the verbs that only look, `logs?name=NAME&lines=N`, and `panel`, which
    is all that the side panel shows."""

    @web.authenticated
    async def get(self, verb: str) -> None:
        name, lines = self.get_query_argument("name", None), self.get_query_argument("lines", None)
        await self._answer(lambda: _look(verb, name, lines))


class DoHandler(_Handler):
    """`POST workbench/api/VERB` with the verb's options, named as in Python, as JSON; files are named from the folder
    that the Jupyter server shows. It answers `text`, the verb's card, and `value`, the same as `--json` has."""

    @web.authenticated
    async def post(self, verb: str) -> None:
        options, root = self.get_json_body() or {}, Path(self.settings["server_root_dir"]).expanduser()
        await self._answer(lambda: _do(verb, options, root))


def _look(verb: str, name: str | None, lines: str | None) -> Any:
    workbench = _workbench()
    if verb == "panel":
        return panel(workbench)
    if verb == "logs":
        if not name:
            raise UsageError("logs needs the name of what runs", fix="logs?name=service/churn")
        return workbench.logs(name, lines=int(lines or 50)).to_json()
    return getattr(workbench, verb)(*filter(None, [name])).to_json()


def _do(verb: str, options: dict[str, Any], root: Path) -> dict[str, Any]:
    from .answers import as_json, asked
    from .arguments import check, find_verb

    spec = find_verb(verb, "workbench")
    files = {option.name for option in spec.options if option.kind == "target" or option.name == "output"}
    given = {name: _file(value, root) if name in files else value for name, value in options.items()}
    answer = getattr(_workbench(), verb)(**asked(spec, check(spec, given, f"workbench {verb}")))
    return {"text": str(answer), "value": as_json(answer)}


def _file(value: Any, root: Path) -> Any:
    """A path as JupyterLab has it, from the folder that it shows."""
    is_file = isinstance(value, str) and "://" not in value and value.endswith((".ipynb", ".html"))
    return str(root / value) if is_file else value


def _workbench() -> Workbench:
    from ..api import Workbench

    return Workbench()


def _load_jupyter_server_extension(app: ServerApp) -> None:
    base = url_path_join(app.web_app.settings["base_url"], "workbench", "api")
    looking = url_path_join(base, f"({'|'.join((*LOOKING, 'logs', 'panel'))})")
    doing = url_path_join(base, f"({'|'.join(DOING)})")
    app.web_app.add_handlers(".*$", [(looking, LookHandler), (doing, DoHandler)])  # type: ignore[no-untyped-call]
    try:
        Running(paths.home()).looked_at()
    except WorkbenchError as error:
        app.log.warning(f"Workbench: {error}")
