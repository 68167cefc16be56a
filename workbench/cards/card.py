"""The parts of a card -> its HTML, which reads well by itself; a page with a kernel behind it replaces parts of it."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from .markup import el, escape

Parts = dict[str, Any]
"""By the name of each part its HTML; or cards, which stand in it as cards of their own."""
_PAGE = Path(__file__).parent / "page"


class Card(Protocol):
    """Something that is shown under a name and can be looked at again."""

    name: str

    def look(self) -> Parts:
        """Its parts as they are now, as HTML; a part that is left out stays as it was. WorkbenchError."""

    def press(self, do: str, **args: Any) -> Parts:
        """What one of its buttons does; the parts that say what came of it, or under `open` an address to open, which
        is told to the browser that asked and kept nowhere. WorkbenchError."""

    def goes_on(self, before: Any) -> None:
        """It takes the place of a card of the same name."""


PARTS = ("head", "figures", "route", "rows", "fields", "answer", "why", "table", "buttons", "said", "detail", "log")
_LIVE = ("buttons", "said")
"""What makes sense only while a kernel answers, as the log does: it is no part of what is saved."""


def html(name: str, parts: Parts, hub: str = "", *, styled: bool = True) -> str:
    """The card of this name, with the style sheet. `hub` names the kernel that keeps it up to date."""
    inside = "".join(_part(part, parts.get(part, "")) for part in PARTS)
    seen = el("p", f"as of {datetime.now():%Y-%m-%d %H:%M:%S}", cls="wb-as-of")
    how = {"data_card": name, "data_hub": hub or None, "aria_label": name}
    made = el("article", inside, seen, cls="wb-card", **how)
    return el("style", style()) + made if styled else made


def _part(part: str, inside: str) -> str:
    if part == "log":
        shown = el("details", el("summary", "Log"), el("pre", data_part=part, tabindex="0"), cls="wb-log")
        return shown if inside else ""
    inside = "" if part in _LIVE else inside
    live = {"role": "status"} if part in ("said", "answer") else {}
    return el("div", inside, cls=f"wb-{part}", data_part=part, **live)


@cache
def script() -> str:
    """What makes cards live in a browser: one module."""
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted(_PAGE.glob("*.js")))


@cache
def style() -> str:
    """The style sheet of all cards, small enough to be in each."""
    lines = (line.strip() for line in (_PAGE / "card.css").read_text(encoding="utf-8").splitlines())
    return "".join(line for line in lines if not line.startswith("/*"))


def said(answer: object) -> Parts:
    """What a verb answered, in a line."""
    return {"said": escape(str(answer).partition("\n")[0])}


def log(lines: list[str]) -> str:
    """The end of a log."""
    return escape("\n".join(lines)) or "nothing was written yet"
