"""`advise`: which pattern fits."""

from __future__ import annotations

import itertools

import pytest

from workbench.api import Workbench
from workbench.operations.choosing import QUESTIONS, Advice, Interview, advise
from workbench.specs.verbs import verb


@pytest.mark.parametrize(
    ("said", "pattern"),
    [
        ("person hours once one no", "offline"),
        ("person minutes once huge no", "batch"),
        ("table hours once many no", "batch"),
        ("table hours cycle many cycle", "batch"),
        ("program seconds always one no", "serving"),
        ("person seconds always one no", "serving"),
        ("events seconds always one always", "streaming"),
        ("table minutes always many no", "streaming"),
    ],
)
def test_each_pattern_is_the_answer_to_somebody(said: str, pattern: str) -> None:
    found = advise("churn", dict(zip((q.name for q in QUESTIONS), said.split(), strict=True)))
    assert found.pattern == pattern
    assert "churn" in found.lines[0]


def test_every_set_of_answers_has_an_advice_whose_lines_are_verbs_that_exist() -> None:
    for said in itertools.product(*(question.answers for question in QUESTIONS)):
        found = advise("churn", dict(zip((q.name for q in QUESTIONS), said, strict=True)))
        for line in found.lines:
            assert verb(line.split()[0].lstrip("%")), line


def test_the_options_are_the_answers_of_the_questions() -> None:
    spec = verb("advise")
    assert spec
    options = {option.name: option.choices for option in spec.options if option.choices}
    assert options == {question.name: tuple(question.answers) for question in QUESTIONS}


def test_what_is_not_answered_is_asked(api: Workbench) -> None:
    found = api.advise("churn", who="program")
    assert isinstance(found, Interview)
    assert [question.name for question in found.open] == ["soon", "often", "rows", "changes"]
    assert "How soon" in str(found)
    whole = api.advise("churn", who="program", soon="seconds", often="always", rows="one", changes="no")
    assert isinstance(whole, Advice)
    assert "serving fits" in str(whole)
