"""What an answer says as text -> the head of its card and labelled rows, so that both say the same."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .markup import copied, el, escape

LABELLED = re.compile(r"^ {2}(?:(\S+(?: \S+)?) {2,}|(\S{5}) )(.+)$")
"""Labels are padded to five letters; a longer one has two spaces behind it."""
_HEAD = re.compile(r"^(?P<name>\S+)(?P<mark> [✓✗])? (?P<rest>.*)$")
_URL = re.compile(r"^https?://\S+$")
_MARKS = {"✓": "wb-good", "✗": "wb-bad"}


@dataclass(frozen=True)
class Said:
    """The `name` of a thing, what its first line says beside it, and its labelled rows."""

    name: str
    about: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]

    def row(self, label: str) -> str:
        """The text of this label; empty where there is none."""
        return next((text for name, text in self.rows if name == label), "")


def read(text: str) -> Said:
    """`service/churn ✓ ready · http://… · churn@3` above lines of `  label  text`; further lines belong to the row."""
    first, *lines = text.split("\n")
    found: list[tuple[str, str]] = []
    for line in lines:
        if labelled := LABELLED.match(line):
            found.append((labelled[1] or labelled[2], labelled[3]))
        elif found:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line.strip()}")
    head = _HEAD.match(first)
    about = head["rest"].split(" · ") if head else []
    return Said(head["name"] if head else first, tuple(about), tuple(found))


def part(text: str) -> str:
    """One part of the first line: an address can be opened and copied."""
    if _URL.match(text):
        return el("span", copied(text, el("code", escape(text))), cls="wb-address")
    return marked(text)


def marked(text: str) -> str:
    """Text in which what went well or wrong is seen."""
    text = escape(text)
    for mark, cls in _MARKS.items():
        text = text.replace(mark, el("span", mark, cls=cls), 1)
    return text.replace("\n", "<br>")


def row(label: str, text: str) -> str:
    """The text of a row: steps and calls are code to copy."""
    if label == "next":
        return " ".join(el("code", escape(step)) for step in text.split(" · "))
    return copied(text, el("code", escape(text), cls="wb-call")) if label == "call" else marked(text)
