"""An entry of a live notebook -> a `CapturedModel`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .captured import CapturedModel, EntryKind, Session, Taken, predicts
from .compose import compose
from .holdings import Holdings, classes, live, look, of_kernel
from .page import remarks
from .secrets import hidden
from .slice import Slice


def capture(entry: str, session: Session, folder: Path, *, cell: str = "") -> CapturedModel:
    """Take the global `entry` of `session` with all that it needs; its data is written into `folder`.

    `entry` is a function of a frame, a class with `predict`, or an object with `predict`. What cannot come
    along raises CaptureRefused with the name, the cell, the reason and a fix.
    """
    taken = Slice(entry, session, folder)
    source = compose(taken.items)
    return CapturedModel(
        entry=entry,
        entry_kind=entry_kind(session.namespace[entry]),
        source=source,
        state=dict(sorted(taken.states.items())),
        hashes=taken.hashes,
        modules=dict(sorted(taken.modules.local.items())),
        beside=dict(sorted(taken.modules.data.items())),
        requirements=taken.modules.requirements(),
        taken=(*_entry_first(taken, entry), *_modules(taken)),
        cells=hidden(_executed(session), taken.secrets),
        notebook=str(session.notebook) if session.notebook else None,
        outside=tuple(sorted(f"{what} in {item.name}" for item in taken.items.values() for what in item.outside)),
        environment=taken.surroundings.variables(taken.items),
        installed=taken.surroundings.plain_values(taken.items),
        held=_held(taken, session),
        cell=cell or taken.items[entry].taken.cell,
        page=remarks(session, [item.taken for item in taken.items.values()]),
    )


def _held(taken: Slice, session: Session) -> Holdings:
    keys = [*live(taken.modules.local), *taken.surroundings.changed()]
    return look(keys, classes(taken.items, session.namespace), of_kernel(taken.modules.local))


def entry_kind(value: Any) -> EntryKind:
    """How `value` predicts: by a call, by `predict` of an instance, or by its own `predict` or `predict_one`."""
    if isinstance(value, type):
        return "class"
    return "estimator" if predicts(value) else "function"


def _entry_first(taken: Slice, entry: str) -> Iterator[Taken]:
    for item in sorted(taken.items.values(), key=lambda item: item.name != entry):
        yield item.taken


def _modules(taken: Slice) -> Iterator[Taken]:
    for path, file in sorted(taken.modules.local.items()):
        yield Taken(path, "module", detail=str(file))


def _executed(session: Session) -> str:
    return "\n\n".join(f"# {cell.label or 'not numbered'}\n{cell.text.rstrip()}" for cell in session.cells) + "\n"
