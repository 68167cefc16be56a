"""The questions of `advise`, one by one in a terminal."""

from __future__ import annotations

from ..errors import Interrupted
from ..operations.choosing import Advice, Interview, Question, answered


def ask(interview: Interview) -> Advice | Interview:
    """Ask in a terminal what is open: by its number, its word, or Enter for the first. Interrupted by Ctrl-C or D."""
    given = dict(interview.given)
    for question in interview.open:
        print(f"\n{question.asks}")
        for number, (said, means) in enumerate(question.answers.items(), 1):
            print(f"  {number}  {said:<8} {means}")
        given[question.name] = _answer(question)
    print()
    return answered(interview.model, given)


def _answer(question: Question) -> str:
    words = list(question.answers)
    while True:
        try:
            said = input(f"{question.name} [1]: ").strip() or "1"
        except (EOFError, KeyboardInterrupt):
            print()
            raise Interrupted("the interview was interrupted", fix="%workbench advise begins it again") from None
        if said in words:
            return said
        if said.isdecimal() and 0 < int(said) <= len(words):
            return words[int(said) - 1]
        print(f"  one of {', '.join(words)}, or its number")
