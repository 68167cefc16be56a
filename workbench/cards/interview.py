"""The questions of `advise` -> a card that asks them, with the advice below once all are answered."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import UsageError
from ..operations.choosing import Advice, Interview, Question, answered
from .card import Parts
from .markup import copied, el, escape, rows

if TYPE_CHECKING:
    from collections.abc import Mapping


class InterviewCard:
    """What is open of an interview; a card without a kernel has the questions, and the line that answers them."""

    def __init__(self, interview: Interview) -> None:
        self.name, self._interview = f"advise/{interview.model}/{secrets.token_hex(3)}", interview
        self._given: Mapping[str, str] = interview.given

    def goes_on(self, before: Any) -> None:
        """There is nothing to take over."""

    def look(self) -> Parts:
        """The questions, and what fits where enough is known."""
        title = el("b", "Which pattern fits?", cls="wb-name") + el(
            "span", escape(self._interview.model), cls="wb-since"
        )
        asked = el(
            "form", *(self._asked(one) for one in self._interview.open), cls="wb-form wb-asks", data_input="answer"
        )
        return {"head": el("div", title, cls="wb-title"), "fields": asked + self._told(), "answer": self._advice()}

    def _asked(self, question: Question) -> str:
        choices = (_choice(question.name, said, means) for said, means in question.answers.items())
        return el("fieldset", el("legend", escape(question.asks)), *choices)

    def _told(self) -> str:
        """The same to read."""
        *asked, _, line = str(self._interview).split("\n")
        return el("pre", escape("\n".join([*asked, "", line])), cls="wb-still")

    def press(self, do: str, **args: Any) -> Parts:
        """Take what was chosen by now. UsageError for another button."""
        if do != "answer":
            raise UsageError(f"the interview has no button {do!r}", fix="run its cell again")
        chosen = {name: json.loads(said) for name, said in dict(args.get("values") or {}).items()}
        self._given = {**self._interview.given, **chosen}
        return {"answer": self._advice()}

    def _advice(self) -> str:
        found = answered(self._interview.model, dict(self._given))
        if isinstance(found, Interview):
            return el("p", f"{text.count(len(found.open), 'answer')} to go", cls="wb-caption")
        return _drawn(found)


def _choice(name: str, said: str, means: str) -> str:
    return el("label", el("input", type="radio", name=name, value=said, data_sends="text"), el("span", escape(means)))


def _drawn(advice: Advice) -> str:
    notes = (("note", escape(note)) for note in advice.notes)
    lines = "<br>".join(map(copied, advice.lines))
    told = [("why", escape(advice.why)), ("gives", escape(advice.good)), *notes, ("grows", escape(advice.grows))]
    return el("p", f"{escape(advice.pattern)} fits", cls="wb-label") + rows([("run", lines), *told])
