"""What `--example` and `--target` give -> the rows that prove a model; without them, the frames that would do."""

from __future__ import annotations

import contextlib
import io
import re
from typing import TYPE_CHECKING, Any

from .. import text
from ..capture.captured import predicts
from ..errors import BadInput, UsageError
from ..inference.predictor import entry_function

if TYPE_CHECKING:
    from ..capture.captured import Session

_TRIED_ROWS = 5


def example_for(
    name: str, session: Session, entry: str, example: Any, target: Any, *, dry_run: bool = False
) -> tuple[Any, str | None]:
    """The rows to prove `entry` on, and the target's name; a target that is a column of them is left out."""
    if example is None:
        if dry_run:
            return None, None
        raise _without_example(name, session, entry)
    if isinstance(target, str):
        if target not in getattr(example, "columns", ()):
            raise UsageError(
                f"the target {target!r} is no column of the example and no name of this notebook",
                fix="name a column of the example, or the series that holds the true outcomes",
            )
        return example.drop(columns=[target]), target
    if target is not None and len(target) != len(example):
        rows = f"the target has {text.count(len(target), 'row')}, the example {text.count(len(example), 'row')}"
        raise BadInput(rows, fix="give the true outcomes of the example's own rows, in their order")
    return example, str(getattr(target, "name", None) or "target") if target is not None else None


def _without_example(name: str, session: Session, entry: str) -> UsageError:
    named: dict[str, Any] = {n: value for n, value in session.namespace.items() if not n.startswith("_")}
    fitting = [(n, value) for n, value in named.items() if _fits(session, entry, value)]
    shown = ", ".join(f"{n} ({text.count(len(v))} × {text.count(v.shape[1])})" for n, v in fitting)
    what = f"{name} needs an example to be proven."
    held = any(re.search(rf"^{entry}\s*=", cell.text, re.MULTILINE) for cell in session.cells)
    magic = f"%model {name} {entry}" if held and entry != "predict" else f"%%model {name}"
    if not fitting:
        return UsageError(f"{what} No frame here fits.", fix=f"{magic} --example FRAME, rows that it can answer")
    return UsageError(f"{what} Frames here that fit: {shown}", fix=f"{magic} --example {fitting[0][0]}")


def _fits(session: Session, entry: str, value: Any) -> bool:
    """Whether the model answers the first rows of a frame or 2-D array: only asking it tells."""
    if type(value).__name__ not in ("DataFrame", "ndarray") or getattr(value, "ndim", 0) != 2 or not len(value):
        return False
    thing = session.namespace[entry]
    kind = "class" if isinstance(thing, type) else "estimator" if predicts(thing) else "function"
    head = value[:_TRIED_ROWS].copy()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            answer = entry_function(thing, kind)(head)
        return len(answer) == len(head)
    except Exception:  # noqa: BLE001 (any failure says that the frame does not fit)
        return False
