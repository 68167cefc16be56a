"""A URL, or the name of a service of ours -> where it is asked, with what is known of it here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import NotFound, UsageError
from .kinds import Service, handle

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..data.client import Client
    from .running import Running


@dataclass(frozen=True)
class Address:
    """Where a service is asked; its token and certificate where it is one of ours."""

    url: str
    token: str | None = None
    certificate: str | None = None


def address(where: str, running: Running, registry: Registry) -> Address:
    """Of a URL, a `HOST:PORT`, or the name of a service of ours. NotFound, UsageError."""
    if "://" not in where:
        if ":" in where:
            return address(f"http://{where}", running, registry)
        found = handle(running, registry, running.find(where if "/" in where else f"service/{where}"))
        if not isinstance(found, Service):
            raise UsageError(f"{found.name} is no service", fix="name a service, or give its URL")
        if not found.url:
            raise NotFound(f"{found.name} is {found.state}: it has no address yet", fix=f"%workbench wait {found.name}")
        return _of(found, found.url)
    services = (handle(running, registry, job) for job in running.jobs("service") if job.state == "ready")
    here = (service for service in services if _place(service.url) == _place(where))
    return next((_of(service, where) for service in here), Address(where))


def client(where: str, running: Running, registry: Registry, *, token: str | None, timeout: float) -> Client:
    """A client of the service there, with the token that is known here unless another is given."""
    from ..data.client import Client

    place = address(where, running, registry)
    return Client(place.url, token or place.token, timeout=timeout, certificate=place.certificate)


def _of(service: Service, url: str) -> Address:
    tls = service.job.spec.get("tls")
    return Address(url, service.token or None, tls[0] if tls else None)


def _place(url: str) -> str:
    """Host and port, this machine by one name."""
    place = urlsplit(url).netloc.rpartition("@")[2]
    return place.replace("localhost:", "127.0.0.1:", 1)
