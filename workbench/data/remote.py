"""A URL of a service of anybody's -> what it answers over HTTP; what goes wrong is said in words, tokens never."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from ..errors import NotFound, NotProven, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    import httpx

SECONDS = 60.0
_LOCAL = ("127.0.0.1", "localhost", "::1")
_SHOWN = 300
_JSON = {"Content-Type": "application/json"}
_TOKEN = "put its token into a variable of the environment and name that: --token NAME"
_STEPS = {
    401: _TOKEN,
    403: _TOKEN,
    404: "look at its path: …/v2/models/NAME, …/invocations, …/v1/models/NAME:predict or …/predict",
    429: "it has too much to do: ask again when it has less",
    503: "it is not ready: ask again when it is",
}


class TooLarge(NotProven):
    """A body larger than the service takes."""


class Silent(NotProven):
    """A service that does not answer in time, or has too much to do."""


class Remote:
    """One service; `url` as it may be shown. `token` goes into `Authorization: Bearer`, `timeout` is in seconds for
    each answer, `certificate` the file of one that is trusted; `headers` go with each request, and `secrets` are what
    of them is never shown. Its connections last until `close`, or a `with` ends."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout: float = SECONDS,
        certificate: str | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        import httpx

        parts = _parts(url)
        self._base, self.url = url, shown(url)
        self.path, self._timeout = parts.path.rstrip("/"), timeout
        self._token, self._secrets = token, tuple(filter(None, (token, parts.query, parts.password, *secrets)))
        sent = httpx.Headers({"Authorization": f"Bearer {token}"} if token else {})
        sent.update(dict(headers or {}))
        local = parts.hostname in _LOCAL
        verify = _trusting(certificate) if certificate else True
        self._client = httpx.Client(timeout=timeout, headers=sent, trust_env=not local, verify=verify)

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End its connections."""
        self._client.close()

    def at(self, path: str) -> str:
        """The URL of another path of the same service."""
        parts = urlsplit(self._base)
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))

    def look(self, path: str) -> Any:
        """The JSON that a GET of the path answers, True for an answer that is none, None where nothing is there."""
        response = self.send("GET", path)
        if response.status_code in (401, 403, 421, 429, 503):
            raise self.refused(path, response)
        if response.status_code != 200:
            return None
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError:
            return True

    def ask(self, path: str, body: bytes) -> Any:
        """The JSON that a POST of a JSON body answers. TooLarge, NotFound, UsageError (its token) or NotProven."""
        response = self.send("POST", path, body, _JSON)
        if response.status_code != 200:
            raise self.refused(path, response)
        try:
            return _json(response.content)
        except ValueError as error:
            kind = response.headers.get("content-type", "no type").split(";")[0]
            raise NotProven(
                f"{self._place(path)} answers what is no JSON ({kind}): {error}",
                fix="look that this is where predictions are asked for, not a page",
            ) from error

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """The response, whatever it says. Silent where none comes in time, NotFound where nobody is there."""
        import httpx

        try:
            return self._client.request(method, self.at(path), content=body, headers=headers)
        except httpx.TimeoutException as error:
            raise Silent(
                f"{self._place(path)} did not answer within {self._timeout:g} s",
                fix="look at its log; it may wait for a model that is still loaded",
            ) from error
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            what = f"{self._place(path)} cannot be reached: {said}"
            raise NotFound(what, fix="look that it runs, and at the address and port") from error

    def _place(self, path: str) -> str:
        return shown(self.at(path))

    def refused(self, path: str, response: httpx.Response) -> Exception:
        """What another status than 200 means, in words."""
        status, place = response.status_code, self._place(path)
        said = _said(response)
        for secret in self._secrets:  # some servers repeat what they were asked
            said = said.replace(secret, "…")
        if status in (401, 403):
            what = "refuses the token that was sent" if self._token else "asks for a token"
            return UsageError(f"{place} {what} ({status})", fix=_TOKEN)
        if 300 <= status < 400:
            to = shown(response.headers.get("location", ""))
            return NotProven(f"{place} sends elsewhere ({status})", fix=f"name the address itself: {to or 'its own'}")
        what = f"{place} answers {status}" + (f": {said}" if said else "")
        if status == 413:
            return TooLarge(what, fix="let it take larger bodies (%serve with a larger --max-body)")
        kind = NotFound if status == 404 else NotProven
        return kind(what, fix=_STEPS.get(status, "look at its log; it may take other columns than this version"))


def _trusting(certificate: str) -> ssl.SSLContext:
    """Exactly this certificate is believed, whatever name it is for."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    return context


def _json(content: bytes) -> Any:
    """JSON, with the NaN and Infinity that Python's own encoder writes, and so MLflow."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return json.loads(content)


def _parts(url: str) -> Any:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        known = None
    if not known:
        raise UsageError(f"{shown(url)} is no address of a service", fix="http://HOST:PORT, or with the path to ask")
    return parts


def shown(url: str) -> str:
    """A URL without its user, password and query, which may hold secrets."""
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return url.partition("?")[0].rpartition("@")[2]


def _said(response: httpx.Response) -> str:
    """What a refusal says: each server has another key for it."""
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        found = response.text
    if isinstance(found, dict):
        keys = ("error", "message", "detail")
        step = f" → {found['fix']}" if isinstance(found.get("fix"), str) else ""
        found = next((found[key] for key in keys if found.get(key)), "")
        found = f"{found}{step}" if isinstance(found, str) else found
    text = found if isinstance(found, str) else orjson.dumps(found).decode()
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
