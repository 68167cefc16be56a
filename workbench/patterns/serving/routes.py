"""The path and headers of a POST -> the protocol that reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ...data.encoding import dumps
from .exchange import Reply
from .protocols import cloudevents, formats, mlflow, v1, v2
from .refusals import Refused, body_of

if TYPE_CHECKING:
    from ...data.decoding import Decoder
    from ...errors import WorkbenchError
    from .exchange import Ask, Headers, Question, Request
    from .served import Served


def _refusal(error: WorkbenchError, status: int) -> Reply:
    return Reply(dumps(body_of(error)))


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a request is read, and how it is told that it was refused; whether it `explains` answers, and gives none."""

    ask: Ask
    refusal: Callable[[WorkbenchError, int], Reply] = _refusal
    explains: bool = False


def _v1_or_event(request: Request, decoder: Decoder) -> Question:
    is_event = cloudevents.is_one(request.headers)
    return cloudevents.ask(request, decoder, formats.data) if is_event else v1.ask(request, decoder)


PLAIN = Protocol(formats.ask)
_V1, _V1_EXPLAINS = Protocol(_v1_or_event), Protocol(_v1_or_event, explains=True)
_V2 = Protocol(v2.ask)
FIXED = {"/predict": PLAIN, "/": PLAIN, "/invocations": Protocol(mlflow.ask, mlflow.refusal)}
FIXED |= {"/explain": Protocol(formats.ask, explains=True)}
"""Those that are found by the path alone."""


def find(path: str, headers: Headers, served: Served) -> Protocol | None:
    """What reads a POST to this path; None where no rows are sent to it. Refused with 404 for another model."""
    if (found := FIXED.get(path)) is not None:
        return found
    if path.startswith("/v2/models/") and path.endswith("/infer"):
        check_model(path.removesuffix("/infer"), served)
        return _V2
    if path.startswith("/v1/models/") and path.endswith((":predict", ":explain")):
        check_model(path[: -len(":predict")], served)
        return _V1_EXPLAINS if path.endswith(":explain") else _V1
    return None


def takes_rows(path: str) -> bool:
    """Whether rows are sent to this path, and nothing else is there."""
    models = path.startswith("/v2/models/") and path.endswith("/infer")
    v1 = path.startswith("/v1/models/") and path.endswith((":predict", ":explain"))
    return models or v1 or (path in FIXED and path != "/")


def check_model(path: str, served: Served) -> None:
    """Refused with 404 unless `/v2/models/NAME[/versions/N]`, or `/v1/models/NAME`, is what answers here."""
    name, _, version = unquote(path[len("/v2/models/") :]).partition("/versions/")
    asks = f"/v1/models/{served.name}:predict" if path.startswith("/v1") else f"/v2/models/{served.name}/infer"
    check_named(name, version, served, asks)


def check_named(name: str, version: str, served: Served, asks: str = "") -> None:
    """Refused with 404 unless this model answers here, and this version, where one is named; `asks` is how it is."""
    if name != served.name or (version and version != str(served.version)):
        asked = f"{name!r} version {version}" if version else repr(name)
        what = f"Request for unknown model: {asked} is not found"
        fix = f"{served.name}, version {served.version}, answers here{': ' * bool(asks)}{asks}"
        raise Refused(what, fix=fix, status=404)
