"""A handle on an app: a notebook that people use in a browser."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from .. import text
from .handles import Handle

_LATELY = 3600.0


class App(Handle):
    """A notebook that people use in a browser. `link` lets a guest in, where one was asked for."""

    @property
    def url(self) -> str:
        """Where it is: `http://127.0.0.1:8000`."""
        return str(self.facts.get("url", ""))

    @property
    def link(self) -> str:
        """The guest's link that was made with it; empty without one."""
        return self.remark.partition(" ")[0] if self.remark.startswith("http") else ""

    def _brief(self) -> list[str]:
        using = int(self.facts.get("using") or 0)
        return [self.url, f"{text.count(using, 'visitor')} now" if using and self.state == "ready" else ""]

    def _lines(self) -> list[tuple[str, str]]:
        again = f"%workbench open {self.name}" if self.state == "ready" else ""
        return [
            ("shows", Path(self.job.spec["notebook"]).name),
            ("guest" if self.link else "note", self.remark),
            ("fails", self._failed()),
            ("next", self._next(*filter(None, [again]))),
        ]

    def _failed(self) -> str:
        """What a cell raised for a visitor, lately."""
        at = float(self.facts.get("failed_at") or 0.0)
        if self.job.over or time.time() - at > _LATELY:
            return ""
        return f"{self.facts['failed']} · for a visitor, {text.seconds(time.time() - at)} ago"

    def _figures(self) -> dict[str, Any]:
        return {"url": self.url, "link": self.link, "using": self.facts.get("using"), "came": self.facts.get("came")}
