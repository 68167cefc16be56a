"""The questions of `advise`, as a form in a notebook and one by one in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Interrupted
from ..operations.choosing import Advice, Interview, Question, answered
from .cards import html

if TYPE_CHECKING:
    from collections.abc import Callable


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


def show(interview: Interview) -> None:
    """Show a form in a notebook; the advice stands below it, and changes with the answers. Where widgets do not
    render, the text of the questions does."""
    from IPython.display import display

    bundle: dict[str, Any] = form(interview)._repr_mimebundle_()
    display(bundle | {"text/plain": str(interview)}, raw=True)  # type: ignore[no-untyped-call]


def form(interview: Interview) -> Any:
    """The form itself: a widget."""
    import ipywidgets as widgets

    shown = widgets.HTML()
    given = dict(interview.given)

    def changed(name: str, said: str) -> None:
        given[name] = said
        found = answered(interview.model, given)
        shown.value = html(str(found)) if isinstance(found, Advice) else ""

    asked = [_choice(question, changed) for question in interview.open]
    return widgets.VBox([*asked, shown])


def _choice(question: Question, changed: Callable[[str, str], None]) -> Any:
    import ipywidgets as widgets

    answers = [(means, said) for said, means in question.answers.items()]
    choice = widgets.RadioButtons(options=answers, value=None, layout={"width": "max-content"})
    choice.observe(lambda change: changed(question.name, change["new"]), "value")
    return widgets.VBox([widgets.HTML(f"<b>{question.asks}</b>"), choice])
