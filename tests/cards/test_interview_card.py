"""The questions of `advise` in a notebook."""

from __future__ import annotations

from markup_parts import Read

from workbench.cards.interview import InterviewCard
from workbench.operations.choosing import Interview


def test_the_advice_stands_below_the_questions_once_all_are_answered() -> None:
    card = InterviewCard(Interview("churn", {"rows": "one", "changes": "no"}))
    seen = Read(card.look()["fields"])
    assert [one["name"] for one in seen.all("input", value="always")] == ["often"]
    assert "workbench advise churn" in seen.text, "who has no kernel reads how to answer"

    def said(**values: str) -> str:
        return Read(card.press("answer", values={name: f'"{value}"' for name, value in values.items()})["answer"]).text

    assert said(who="program", soon="seconds") == "1 answer to go"
    assert said(who="program", soon="seconds", often="always").startswith("serving fits")
    streamed = said(who="events", soon="seconds", often="always")
    assert streamed.startswith("streaming fits")
    assert "%stream churn queue:NAME" in streamed
