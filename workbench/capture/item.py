"""`Item`: one statement of `model.py`."""

from __future__ import annotations

from dataclasses import dataclass, field

from .captured import Taken


@dataclass
class Item:
    """One statement of `model.py`: it binds `name`; it `needs` names while it runs and `uses` names later.

    The text of a state item is empty until its file is written. `rebinds` is a name that the statement binds
    on its way although another object is live under it. The name of a statement that binds nothing is no identifier.
    """

    name: str
    text: str
    taken: Taken
    needs: set[str] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)
    future_annotations: bool = False
    rebinds: str = ""
    outside: frozenset[str] = frozenset()
