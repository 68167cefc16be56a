"""HTML as a browser would read it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

_EMPTY = ("input", "br")


class Read(HTMLParser):
    """The text, the elements in order with their attributes, and that each one that opens is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.elements = "", list[tuple[str, dict[str, str | None]]]()
        self._open = list[str]()
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data

    def all(self, tag: str, **having: str) -> list[dict[str, str | None]]:
        """The attributes of the elements of this tag that have these."""
        return [
            a for t, a in self.elements if t == tag and all(a.get(k.replace("_", "-")) == v for k, v in having.items())
        ]

    def buttons(self) -> list[str | None]:
        """What the buttons do."""
        return [attributes.get("data-do") for attributes in self.all("button") if "data-do" in attributes]
