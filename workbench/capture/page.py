"""The cells that a capture took, beside the notebook's page as it was saved -> what a person must know of both."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from .captured import Page, Session, Taken
from .names import bound

_NUMBER = re.compile(r"In\[(\d+)\]")


def remarks(session: Session, taken: Sequence[Taken]) -> tuple[str, ...]:
    """What was edited or deleted since it ran, ran in another order than the page's, or is bound again further down;
    it was captured as it ran. Nothing where the page is not known."""
    if session.page is None:
        return ()
    numbers = {thing.name: number for thing in taken if thing.kind != "import" and (number := _number(thing.cell))}
    found = [*_edited(session.page, set(numbers.values())), *_order(session.page, set(numbers.values()))]
    return (*found, *_bound_again(session, numbers))


def _number(label: str) -> int | None:
    found = _NUMBER.fullmatch(label)
    return int(found.group(1)) if found else None


def _edited(page: Page, numbers: set[int]) -> Iterator[str]:
    for number in sorted(numbers & page.older - page.places.keys()):
        how = "was edited since it ran" if number in page.shown else "is no longer on the page"
        yield f"In[{number}] {how}: captured as it ran"


def _order(page: Page, numbers: set[int]) -> Iterator[str]:
    """The first two cells that ran the other way round. One that ran again, unchanged, counts from the first time."""
    first: dict[int, int] = {}
    for number, place in sorted(page.places.items()):
        first.setdefault(place, number)
    here = sorted((page.places[number], number) for number in numbers if number in page.places)
    for (above, one), (below, other) in pairwise(here):
        if above != below and first[above] > first[below]:
            yield f"In[{one}] stands above In[{other}] on the page and ran after it: captured as they ran"
            return


def _bound_again(session: Session, numbers: dict[str, int]) -> Iterator[str]:
    """The names that a run of the page from top to bottom would leave with another value."""
    assert session.page
    places = session.page.places
    binding = {cell.number: _names(cell.text) for cell in session.cells if cell.number in places}
    for name, number in sorted(numbers.items()):
        later = [n for n, names in binding.items() if n and name in names and places[n] > places.get(number, places[n])]
        if later:
            yield f"{name} is that of In[{number}]; In[{max(later)}], further down the page, binds it again"


def _names(text: str) -> frozenset[str]:
    try:
        return frozenset(name for node in ast.parse(text).body for name in bound(node))
    except SyntaxError:
        return frozenset()
