"""Who may ask a service: those with its token, by a name that its address has."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import parse_qs

from .refusals import Refused

if TYPE_CHECKING:
    from .exchange import Headers
    from .tokens import Tokens

_LOCAL = (b"127.0.0.1", b"localhost", b"[::1]", b"::1")


class Access:
    """Lets those in who have `token`, or one of `tokens`; None lets in everybody. `name` is the deployment's, for
    messages; on a loopback address (`local`) other names of the host are refused, as a page that rebinds DNS uses.

    Who looks with a browser opens a link with the token once; a cookie, which no script reads, has it from then on.
    """

    def __init__(
        self, name: str, token: str | None, *, local: bool, tokens: Tokens | None = None, open_metrics: bool = False
    ) -> None:
        self.name, self.local, self.tokens, self.open_metrics = name, local, tokens, open_metrics
        self.token = None if token is None else token.encode()
        self._usual = b"Bearer " + (self.token or b"")
        self._host = b""  # that was let in last
        self._cookie = b"workbench-" + name.encode().hex().encode()

    def check_host(self, headers: Headers) -> None:
        """Refused with 421 for the name of another host."""
        if not self.local:
            return
        host = headers.get(b"host", b"localhost")
        if host == self._host:
            return
        host = host.lower()
        if host.rpartition(b":")[0] not in _LOCAL and host not in _LOCAL:
            what = f"the request is for the host {host.decode('latin-1')}; {self.name} answers as localhost"
            fix = "ask 127.0.0.1 or localhost; for other machines, %serve with --host 0.0.0.0"
            raise Refused(what, fix=fix, status=421)
        self._host = headers.get(b"host", b"localhost")

    def check(self, headers: Headers) -> str:
        """The name of the token in `Authorization`, empty for the service's own. Refused with 401 for another."""
        if self.token is None:
            return ""
        said = headers.get(b"authorization", b"")
        if self.token and hmac.compare_digest(said, self._usual):
            return ""
        scheme, _, given = said.partition(b" ")
        if scheme.lower() != b"bearer":
            self._refuse("asks for a token" if not scheme else "asks for its token after the word Bearer")
        return self._compare(given.strip())

    def check_looking(self, headers: Headers, query: bytes) -> tuple[tuple[bytes, bytes], ...]:
        """As `check`, for who only looks: `?token=` will do, and the cookie that is then given, as a header."""
        if self.token is None or b"authorization" in headers:
            self.check(headers)
            return ()
        if linked := parse_qs(query).get(b"token"):
            self._compare(linked[0])
            return ((b"set-cookie", self._cookie + b"=" + linked[0] + b"; Path=/; HttpOnly; SameSite=Strict"),)
        cookies = (part.strip().partition(b"=") for part in headers.get(b"cookie", b"").split(b";"))
        kept = next((value for name, _, value in cookies if name == self._cookie), None)
        if kept is None:
            self.check(headers)
        else:
            self._compare(kept)
        return ()

    def _compare(self, given: bytes) -> str:
        if self.token and hmac.compare_digest(given, self.token):
            return ""
        name = self.tokens.name_of(given) if self.tokens else None
        if name is None:
            self._refuse("has another token")
        return name

    def _refuse(self, why: str) -> NoReturn:
        fix = f'send it, as in curl -H "Authorization: Bearer $(workbench token {self.name.partition("/")[2]})"'
        raise Refused(f"{self.name} {why}", fix=fix, status=401, headers=((b"www-authenticate", b"Bearer"),))
