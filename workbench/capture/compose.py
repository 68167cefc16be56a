"""Items -> the text of `model.py`: imports first, then each statement after what it needs while it runs."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from .item import Item
from .refusals import circular

_HEADER = '''"""The model as its notebook defined it: the statements that made it, bound to the values that were live.

`__state__(file)` gives the object that a file of `state/` holds.
"""
'''


def compose(items: Mapping[str, Item]) -> str:
    """The text of `model.py`; the same items give the same text."""
    ordered = [items[name] for name in _ordered(items)]
    imports = sorted({item.text for item in ordered if item.taken.kind == "import"}, key=_import_key)
    future = ["from __future__ import annotations"] if any(i.future_annotations for i in ordered) else []
    body = _spaced([item for item in ordered if item.taken.kind != "import"])
    head = "\n\n".join(part for part in ("\n".join(future), "\n".join(imports)) if part)
    return "\n".join(part for part in (_HEADER, head + "\n" if head else "", body) if part).rstrip() + "\n"


def _import_key(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line


def _spaced(items: Iterable[Item]) -> str:
    """Definitions stand apart by two lines, plain bindings follow each other."""
    text, after_definition = "", False
    for item in items:
        definition = item.taken.kind in ("function", "class", "factory")
        text += "\n" * (3 if definition or after_definition else 1) if text else ""
        text += item.text.rstrip()
        after_definition = definition
    return text


def _ordered(items: Mapping[str, Item]) -> list[str]:
    """Names in an order in which each statement can run: by hard needs, and else dependencies first."""
    rank = {name: i for i, name in enumerate(_depth_first(items))}
    leads = _leads(items)
    needs = {name: _hard_needs(name, items, leads) for name in items}
    for name, item in items.items():
        if item.rebinds in items:
            needs[item.rebinds].add(name)
    ready = [(rank[n], n) for n in items if not needs[n]]
    heapq.heapify(ready)
    done: list[str] = []
    while ready:
        _, name = heapq.heappop(ready)
        done.append(name)
        for other, wants in needs.items():
            if name in wants:
                wants.discard(name)
                if not wants:
                    heapq.heappush(ready, (rank[other], other))
    if len(done) < len(items):
        left = sorted(n for n, wants in needs.items() if wants)
        raise circular(left, [items[name].taken.cell for name in left])
    return done


def _hard_needs(name: str, items: Mapping[str, Item], leads: Mapping[str, set[str]]) -> set[str]:
    """What must be bound before `name` is: its needs, and what these call while `name` is being made.

    A decorator or base class is called at once, so all that it uses must be there too, unless that is `name`.
    """
    hard = {n for n in items[name].needs if n in items} - {name}
    if "." in name:
        return hard
    return hard | {n for n in _reached(hard, leads) if name not in _reached({n}, leads)}


def _leads(items: Mapping[str, Item]) -> dict[str, set[str]]:
    """By name, what it needs and uses, and the statements that set something on it: `Plugin.known = …` of `Plugin`."""
    leads = {name: {n for n in item.needs | item.uses if n in items} for name, item in items.items()}
    for name, item in items.items():
        if item.taken.kind == "factory" and (owner := name.partition(".")[0]) != name and owner in leads:
            leads[owner].add(name)
    return leads


def _reached(start: set[str], leads: Mapping[str, set[str]]) -> set[str]:
    seen, pending = set(start), list(start)
    while pending:
        new = leads[pending.pop()] - seen
        seen |= new
        pending += new
    return seen


def _depth_first(items: Mapping[str, Item]) -> list[str]:
    done: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen or name not in items:
            return
        seen.add(name)
        for other in sorted(items[name].needs | items[name].uses):
            visit(other)
        done.append(name)

    for name in sorted(items):
        visit(name)
    return done
