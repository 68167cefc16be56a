"""Whom to tell of what: of a failure, of a success, or that something is late."""

from __future__ import annotations

import json
from dataclasses import dataclass

ON = ("failed", "done", "late")


@dataclass(frozen=True)
class Wish:
    """`to` is an address, a URL or a function; `on` is some of `ON`; late is what is not over so many seconds after it
    was due."""

    to: str
    on: tuple[str, ...] = ("failed",)
    late: float = 0.0

    @classmethod
    def parse(cls, said: str) -> Wish:
        """As a job keeps it: an address alone is told of failures."""
        if not said.startswith("{"):
            return cls(said)
        found = json.loads(said)
        return cls(found["to"], tuple(found["on"]), found["late"])

    def __str__(self) -> str:
        if self == Wish(self.to):
            return self.to
        return json.dumps({"to": self.to, "on": self.on, "late": self.late})
