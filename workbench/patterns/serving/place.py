"""A request's scope -> where its client sees the service: behind a proxy of this machine, at the proxy's address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ...proxied import LOOPBACK, prefix

_HOST = re.compile(r"[\w.:\[\]-]+", re.ASCII)


@dataclass(frozen=True)
class Place:
    """`url` has no slash at its end; `prefix` is its path, empty where there is none."""

    scheme: str
    host: str
    prefix: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}{self.prefix}"

    @property
    def hostname(self) -> str:
        """The host without its port."""
        return self.host if self.host.endswith("]") else self.host.rpartition(":")[0] or self.host

    @classmethod
    def of(cls, scope: Any) -> Place:
        """What `X-Forwarded-*` says is believed of a peer on this machine alone, and only for what is shown."""
        said = {name: value.decode("latin-1").split(",")[0].strip() for name, value in scope["headers"]}
        near = scope.get("client") is None or scope["client"][0] in LOOPBACK
        told = said if near else {}
        proto = told.get(b"x-forwarded-proto", "")
        scheme = proto if proto in ("http", "https") else scope.get("scheme", "http")
        host = told.get(b"x-forwarded-host") or said.get(b"host", "")
        return cls(
            scheme,
            host if _HOST.fullmatch(host) else "localhost",
            prefix(told.get(b"x-forwarded-prefix", "")),
        )
