"""A secret -> links that let a browser in for a while, and the cookies that they turn into; nothing is kept of them.

A ticket says until when it holds and what it is (a link, or the cookie made of one), and is signed with the secret
(HMAC-SHA256, RFC 2104), so that whoever has the secret can tell. A new secret ends them all.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

OPENING = 120.0
"""Seconds for which a link to open something holds, once."""
STAYING = 30 * 86_400.0
"""Seconds for which who came by such a link stays in."""

Kind = Literal["link", "stay"]


@dataclass(frozen=True)
class Ticket:
    """What holds until `until`, in seconds since 1970; whoever comes by a link stays until `stay`."""

    kind: Kind
    until: float
    stay: float

    def signed(self, secret: str) -> str:
        """As it stands in a link or a cookie."""
        body = f"{self.kind}.{self.until:.0f}.{self.stay:.0f}"
        return f"{body}.{_signature(secret, body)}"

    def cookie(self) -> Ticket:
        """What a browser keeps of a link."""
        return Ticket("stay", self.stay, self.stay)


def opening(now: float) -> Ticket:
    """A link that is opened soon, by whoever may stay."""
    return Ticket("link", now + OPENING, now + STAYING)


def guest(until: float) -> Ticket:
    """A link that may be opened, and lets in, until then."""
    return Ticket("link", until, until)


def read(text: str, secret: str, kind: Kind, now: float) -> Ticket | None:
    """The ticket that this is; None where it is another kind, has ended, or was not signed with the secret."""
    body, _, signature = text.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(secret, body).encode()):
        return None
    said, until, stay = body.split(".")
    ticket = Ticket("link" if said == "link" else "stay", float(until), float(stay))
    return ticket if ticket.kind == kind and ticket.until > now else None


def _signature(secret: str, body: str) -> str:
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
