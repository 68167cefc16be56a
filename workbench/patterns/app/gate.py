"""Who may look at an app: all that it serves stands behind one gate."""

from __future__ import annotations

import hmac
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import tornado.web
from tornado.httputil import HTTPServerRequest

from ... import proxied, tickets

_LOCAL = ("127.0.0.1", "localhost", "::1", "[::1]")
_WHERE = "in a shell: workbench open {name}"


class Gate(tornado.web.Application):
    """Lets in those who have the token of the app `name`, in the header `Authorization: Bearer …`, or come by a link
    that was made with it; a cookie keeps them in for as long as the link says. None as the token lets in everybody. On
    a loopback address (`local`) other names of the host are refused, as a page that rebinds DNS uses, unless a token
    comes with the request, which such a page has not: a proxy's clients come by its own name."""

    def __init__(self, name: str, token: str | None, *, local: bool, **settings: Any) -> None:
        super().__init__(**settings)
        self.name, self.token, self.local = name, token, local
        self.cookie = f"workbench-{name.encode().hex()}"

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """The handler of what was asked, or what stands at the gate."""
        if self.local and request.host_name not in _LOCAL and not self._proven(request):
            what = f"{self.name} answers as localhost, not as {request.host_name}"
            return self._stopped(request, status=421, what=what, fix="ask 127.0.0.1 or localhost")
        if self.token is None or self._bears(request) or self._stays(request):
            return super().find_handler(request, **kwargs)
        if ticket := self._linked(request, self.token):
            return self._stopped(request, status=302, ticket=ticket.cookie())
        what = f"{self.name} is for those who have a link to it; a link ends after a while"
        return self._stopped(request, status=401, what=what, fix=_WHERE.format(name=self.name))

    def _proven(self, request: HTTPServerRequest) -> bool:
        return self.token is not None and bool(
            self._bears(request) or self._stays(request) or self._linked(request, self.token)
        )

    def _stopped(self, request: HTTPServerRequest, **why: Any) -> Any:
        return self.get_handler_delegate(request, AtGate, {"gate": self, **why})

    def _bears(self, request: HTTPServerRequest) -> bool:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode())

    def _stays(self, request: HTTPServerRequest) -> bool:
        kept = request.cookies.get(self.cookie)
        return kept is not None and tickets.read(kept.value, str(self.token), "stay", time.time()) is not None

    def _linked(self, request: HTTPServerRequest, token: str) -> tickets.Ticket | None:
        return tickets.read(request.query_arguments.get("ticket", [b""])[-1].decode(), token, "link", time.time())


class AtGate(tornado.web.RequestHandler):
    """Whoever came by a link gets the cookie and goes on without it; others are told how to come in."""

    def initialize(self, gate: Gate, status: int, **why: Any) -> None:
        self.gate, self.status, self.why = gate, status, why

    def prepare(self) -> None:
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        if ticket := self.why.get("ticket"):
            self.set_cookie(
                self.gate.cookie,
                ticket.signed(str(self.gate.token)),
                path=f"{seen_below(self.request)}/",
                expires=ticket.until,
                httponly=True,
                samesite="lax",
                secure=self.request.protocol == "https",
            )
            self.redirect(_without_ticket(self.request.uri or "/"))
            return
        self.set_status(self.status)
        self.finish(_PAGE.format(what=self.why["what"], fix=self.why["fix"]))


def seen_below(request: HTTPServerRequest) -> str:
    """The path below which a proxy of this machine shows the app; empty without one."""
    near = request.remote_ip in proxied.LOOPBACK
    return proxied.prefix(request.headers.get("X-Forwarded-Prefix", "")) if near else ""


def _without_ticket(uri: str) -> str:
    """Where to go on, from where one is: a proxy in between shows it somewhere else."""
    parts = urlsplit(uri)
    query = urlencode([(key, value) for key, value in parse_qsl(parts.query) if key != "ticket"])
    return f"./{parts.path.rpartition('/')[2]}" + (f"?{query}" if query else "")


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Not here</title>
<meta name="viewport" content="width=device-width"><style>:root{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1.5rem}}
code{{font:.9em ui-monospace,monospace}}</style><p>{what}.<p><code>{fix}</code></html>"""
