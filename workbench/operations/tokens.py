"""The verb `token`: what a service asks for, and further tokens by name, given and taken back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .kinds import Service, Token, handle

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from .running import Running


class TokenNames(dict[str, float]):
    """The names of further tokens, and when each was made, in seconds since 1970."""

    def __str__(self) -> str:
        lines = [f"{name}  since {datetime.fromtimestamp(made):%Y-%m-%d %H:%M}" for name, made in self.items()]
        return "\n".join(lines) or "no tokens with names: workbench token SERVICE --new NAME makes one"

    __repr__ = __str__

    def to_json(self) -> dict[str, float]:
        return dict(self)


class TokenRemoved(str):
    """That a token was taken back."""

    __repr__ = str.__str__


def token(
    running: Running, registry: Registry, name: str, new: str | None, remove: str | None, *, names: bool
) -> Token | TokenNames | TokenRemoved:
    """The service's own token; or the names of others, a new one (told this once), or that one was taken back, by
    which nobody is let in from then on. UsageError where the service asks for none; NotFound for a name that is not
    there."""
    from ..patterns.serving.tokens import Tokens

    if name.startswith("schedule/"):
        return _of_schedule(running, name, others=bool(new or remove or names))
    service = _service(running, registry, name)
    if sum(map(bool, (new, remove, names))) > 1:
        raise UsageError("--new, --remove and --names are one at a time", fix="leave the others out")
    others = Tokens(running.store.job_folder(service.name))
    if new:
        return Token(others.add(new))
    if remove:
        others.remove(remove)
        return TokenRemoved(f"{remove} is let in by {service.name} no more")
    return TokenNames(others.names()) if names else service.token


def _of_schedule(running: Running, name: str, *, others: bool) -> Token:
    """What the webhook of a schedule asks for."""
    from ..jobs import own_token

    found = running.find(name)
    if "webhook" not in (found.starts or {}):
        raise UsageError(f"{name} is not called, and asks for no token", fix="%batch TARGET --on-webhook")
    if others:
        raise UsageError(f"{name} has one token", fix="remove it and make it again: it has another then")
    return Token(own_token.read(running.store.folder_of(name), name))


def _service(running: Running, registry: Registry, name: str) -> Any:
    found = running.find(name if "/" in name else f"service/{name}")
    service = handle(running, registry, found)
    if not isinstance(service, Service) or not service.token:
        raise UsageError(f"{found.name} asks for no token", fix="call it without one")
    return service
