"""Classes that a base finds by itself -> the names that must come along, in the order in which they were defined."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from itertools import pairwise

from .bindings import Bindings
from .item import Item


def subclasses(known: Bindings, taken: Mapping[str, Item]) -> Iterator[str]:
    """The subclasses of captured classes, where the model asks for `__subclasses__`. What is taken already is told to
    stand after the one before it, since their order is part of the answer."""
    if not any("__subclasses__" in item.text for item in taken.values()):
        return
    for name in list(taken):
        cls = known.namespace.get(name)
        if isinstance(cls, type) and type(cls).__subclasses__ is type.__subclasses__ and known.is_ours(cls):
            gc.collect()  # what nothing holds any more is no answer either
            below: list[type] = cls.__subclasses__()
            found = [known.path_of(each) or known.make(each.__name__, each) for each in below if known.is_ours(each)]
            yield from (own for own in found if own not in taken)
            for before, after in pairwise(own for own in found if own in taken):
                taken[after].needs.add(before)
