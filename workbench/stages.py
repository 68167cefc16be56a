"""What a verb is doing, in words -> who shows it: said where it is done, and passed on by nobody in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Listener(Protocol):
    """A face that shows what is done; `cancelled` once somebody has ended it there."""

    cancelled: bool

    def __call__(self, stage: str) -> None:
        """The next thing that is done."""

    def aside(self) -> None:
        """Something else shows it better from now on."""


_listens: ContextVar[Listener | None] = ContextVar("stages", default=None)


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Let it hear what is said within."""
    before = _listens.set(listener)
    try:
        yield
    finally:
        _listens.reset(before)


def say(stage: str) -> None:
    """This is what is done now."""
    if listener := _listens.get():
        listener(stage)


def aside() -> None:
    """A bar of its own shows the rest."""
    if listener := _listens.get():
        listener.aside()


def cancelled() -> bool:
    """Whether somebody has ended it where it is shown."""
    listener = _listens.get()
    return listener is not None and listener.cancelled
