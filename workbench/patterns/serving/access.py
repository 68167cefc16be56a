"""Who may ask a service: those with its token, by a name that its address has; and which pages of other sites."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs

from ... import tickets
from .refusals import Refused

if TYPE_CHECKING:
    from .exchange import Headers, Pairs
    from .place import Place
    from .tokens import Tokens

FROM_PAGE = b"x-workbench-page"
"""The header that a page's own script sends: another site's cannot without being let in by `origins`, and then only
for the headers that CORS names, of which this is none."""

_LOCAL = (b"127.0.0.1", b"localhost", b"[::1]", b"::1")
_OWN = (b"same-origin", b"none")
ANY = "*"


class Access:
    """Lets those in who have `token`, or one of `tokens`; None lets in everybody. `name` is the deployment's, for
    messages; on a loopback address (`local`) other names of the host are refused, as a page that rebinds DNS uses,
    unless a token comes with the request, which such a page has not. `origins` are the sites whose pages may ask; `*`
    is all of them.

    Who looks with a browser opens a link with the token, or a ticket made with it, once; a cookie, which no script
    reads, has it from then on. To ask with it takes a header that only a script of this very origin can send.
    """

    def __init__(
        self,
        name: str,
        token: str | None,
        *,
        local: bool,
        tokens: Tokens | None = None,
        open_metrics: bool = False,
        origins: tuple[str, ...] = (),
    ) -> None:
        self.name, self.local, self.tokens, self.open_metrics = name, local, tokens, open_metrics
        self.origins = origins
        self.token = None if token is None else token.encode()
        self._usual = b"Bearer " + (self.token or b"")
        self._host = b""  # that was let in last
        self._cookie = b"workbench-" + name.encode().hex().encode()
        self._hosts = {origin.partition("://")[2].encode() for origin in origins}

    def check_host(self, headers: Headers, scope: Any) -> None:
        """Refused with 421 for the name of another host; with 400 where HTTP/1.1 wants one name and gets another
        number of them."""
        if b"host" not in headers or len(headers) < len(scope["headers"]):
            _check_one_host(scope)
        if not self.local:
            return
        host = headers.get(b"host", b"localhost")
        if host == self._host:
            return
        host = host.lower()
        if host.rpartition(b":")[0] in _LOCAL or host in _LOCAL:
            self._host = headers.get(b"host", b"localhost")
            return
        if host not in self._hosts and ANY not in self.origins and not self._proven(headers, scope["query_string"]):
            what = f"the request is for the host {host.decode('latin-1')}; {self.name} answers as localhost"
            fix = "ask 127.0.0.1 or localhost; for other machines, %serve with --host 0.0.0.0"
            raise Refused(what, fix=fix, status=421)

    def allows(self, origin: bytes) -> bool:
        """Whether pages of this site may ask."""
        return ANY in self.origins or origin.decode("latin-1").lower() in self.origins

    def check(self, headers: Headers) -> str:
        """The name of the token in `Authorization`, empty for the service's own. Refused with 401 for another; the
        cookie will do for a page's own script. Refused with 403 for another site's page where nobody needs a token."""
        if self.token is None:
            self._check_site(headers)
            return ""
        if b"authorization" not in headers and FROM_PAGE in headers and (kept := self._kept(headers)) is not None:
            self._check_site(headers)
            return self._compare(kept)
        return self._check_token(headers)

    def check_looking(self, headers: Headers, query: bytes, place: Place) -> Pairs:
        """As `check`, for who only looks: `?token=` will do, and the cookie that is then given, as a header."""
        if self.token is None:
            return ()
        if b"authorization" in headers:
            self._check_token(headers)
            return ()
        linked = _linked(query)
        if ticket := self._ticket(_asked(query, "ticket"), "link"):
            linked = ticket.cookie().signed(self.token.decode()).encode()
        if linked:
            self._compare(linked)
            return ((b"set-cookie", self._cookie + b"=" + linked + _attributes(place)),)
        kept = self._kept(headers)
        if kept is None:
            self._check_token(headers)
        else:
            self._compare(kept)
        return ()

    def _check_token(self, headers: Headers) -> str:
        if self.token and hmac.compare_digest(headers.get(b"authorization", b""), self._usual):
            return ""
        scheme, given = _authorization(headers)
        if scheme != b"bearer":
            self._refuse("asks for a token" if not scheme else "asks for its token after the word Bearer")
        return self._compare(given)

    def _check_site(self, headers: Headers) -> None:
        """Browsers say from where a script asks."""
        own = headers.get(b"sec-fetch-site", b"none") in _OWN
        if not own and not (FROM_PAGE not in headers and self.allows(headers.get(b"origin", b""))):
            site = headers.get(b"origin", b"another site").decode("latin-1")
            what = f"a page of {site} asks {self.name}, which answers its own page alone"
            raise Refused(what, fix=f"%serve with --cors {site} lets its pages ask", status=403)

    def _proven(self, headers: Headers, query: bytes) -> bool:
        """Whether a token comes with the request, in any way."""
        ways = (_authorization(headers)[1], _linked(query), self._kept(headers))
        ticket = self._ticket(_asked(query, "ticket"), "link") if self.token else None
        return bool(ticket) or any(given and self._name_of(given) is not None for given in ways)

    def _kept(self, headers: Headers) -> bytes | None:
        """What the cookie holds."""
        cookies = (part.strip().partition(b"=") for part in headers.get(b"cookie", b"").split(b";"))
        return next((value for name, _, value in cookies if name == self._cookie), None)

    def _compare(self, given: bytes) -> str:
        name = self._name_of(given)
        if name is None:
            self._refuse("has another token")
        return name

    def _name_of(self, given: bytes) -> str | None:
        """Of the token that this is; None for none of ours."""
        if self.token and (hmac.compare_digest(given, self.token) or self._ticket(given, "stay")):
            return ""
        return self.tokens.name_of(given) if self.tokens else None

    def _ticket(self, given: bytes, kind: tickets.Kind) -> tickets.Ticket | None:
        """What a link of `workbench open` has, and what the cookie made of it holds."""
        return tickets.read(given.decode("latin-1"), (self.token or b"").decode(), kind, time.time())

    def _refuse(self, why: str) -> NoReturn:
        fix = f'send it, as in curl -H "Authorization: Bearer $(workbench token {self.name.partition("/")[2]})"'
        raise Refused(f"{self.name} {why}", fix=fix, status=401, headers=((b"www-authenticate", b"Bearer"),))


def _check_one_host(scope: Any) -> None:
    count = sum(name == b"host" for name, _ in scope["headers"])
    if count > 1 or (not count and scope["http_version"] == "1.1"):
        what = f"the request has {count or 'no'} Host header{'s' * (count > 1)}; HTTP/1.1 wants one"
        raise Refused(what, fix="Host: 127.0.0.1:PORT, as curl sends it")


def _authorization(headers: Headers) -> tuple[bytes, bytes]:
    scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
    return scheme.lower(), given.strip()


def _linked(query: bytes) -> bytes:
    """The token of a link."""
    return _asked(query, "token")


def _asked(query: bytes, name: str) -> bytes:
    found = parse_qs(query).get(name.encode())
    return found[0] if found else b""


def _attributes(place: Place) -> bytes:
    """Of the cookie: it is sent to this service alone, by its own pages alone."""
    secure = "; Secure" if place.scheme == "https" else ""
    return f"; Path={place.prefix}/; HttpOnly; SameSite=Strict{secure}".encode()
