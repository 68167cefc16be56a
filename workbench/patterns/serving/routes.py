"""The path and headers of a POST -> the protocol that reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ...data.encoding import dumps
from .protocols import mlflow, plain, v2
from .refusals import Refused, body_of

if TYPE_CHECKING:
    from ...errors import WorkbenchError
    from .exchange import Ask, Headers
    from .served import Served


def _refusal(error: WorkbenchError, status: int) -> bytes:
    return dumps(body_of(error))


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a request is read, and how it is told that it was refused."""

    ask: Ask
    refusal: Callable[[WorkbenchError, int], bytes] = _refusal


PLAIN = Protocol(plain.ask)
_V2 = Protocol(v2.ask)
_FIXED = {"/predict": PLAIN, "/": PLAIN, "/invocations": Protocol(mlflow.ask, mlflow.refusal)}


def find(path: str, headers: Headers, served: Served) -> Protocol | None:
    """What reads a POST to this path; None where no rows are sent to it. Refused with 404 for another model."""
    if (found := _FIXED.get(path)) is not None:
        return found
    if path.startswith("/v2/models/") and path.endswith("/infer"):
        check_model(path.removesuffix("/infer"), served)
        return _V2
    return None


def takes_rows(path: str) -> bool:
    """Whether rows are sent to this path, and nothing else is there."""
    return (path in _FIXED and path != "/") or (path.startswith("/v2/models/") and path.endswith("/infer"))


def check_model(path: str, served: Served) -> None:
    """Refused with 404 unless `/v2/models/NAME[/versions/N]` is what answers here."""
    name, _, version = unquote(path.removeprefix("/v2/models/")).partition("/versions/")
    if name != served.name or (version and version != str(served.version)):
        asked = f"{name!r} version {version}" if version else repr(name)
        what = f"Request for unknown model: {asked} is not found"
        fix = f"{served.name}, version {served.version}, answers here: /v2/models/{served.name}/infer"
        raise Refused(what, fix=fix, status=404)
