"""How a pattern that runs long is steered, and tells what it sees, without knowing what steers it."""

from __future__ import annotations

from typing import Any, Protocol

LOOK = 0.2
"""The longest that a pattern waits, in seconds, without looking whether it should stop."""


class Control(Protocol):
    """Asked between micro-batches and chunks; each call is cheap."""

    def stopping(self) -> bool:
        """Whether to finish what was begun, leave it resumable, and return."""

    def paused(self) -> bool:
        """Whether to wait before the next micro-batch or chunk."""

    def facts(self, **facts: Any) -> None:
        """Tell what is seen, as JSON values: rows, rate, lag. May be called often; kept at most once a second."""

    def state(self, state: str, reason: str = "") -> None:
        """Tell at once that it is `ready`, or `blocked` and why."""


class Foreground:
    """The control of a call that nobody steers."""

    def stopping(self) -> bool:
        return False

    def paused(self) -> bool:
        return False

    def facts(self, **facts: Any) -> None:
        pass

    def state(self, state: str, reason: str = "") -> None:
        pass
