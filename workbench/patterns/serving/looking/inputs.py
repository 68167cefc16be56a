"""A field and the rows that are known of it -> how a form asks for it: a control, words, a range and an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from ....data.describing import is_whole, words
from ....data.encoding import dumps

if TYPE_CHECKING:
    from ....inference.fields import Array, Field

_CONTROLS = {"number": "number", "date": "date", "time": "time"}
_RANGED = ("number", "datetime", "date", "time", "decimal")
_MOST_CHOICES = 200
_MOST_SUGGESTIONS = 20


@dataclass(frozen=True)
class Input:
    """How one field is asked for. `control` is what HTML calls it (number, checkbox, select, textarea, text, date, …),
    `sends` how its value becomes JSON: `whole` and `number` as digits, `text` as text, `moment` too but nothing as
    null, `json` as it stands, `check` as true or false. `choices` are pairs of what is sent and what is read."""

    name: str
    words: str
    range: str
    control: str
    sends: str
    value: str
    optional: bool
    choices: tuple[tuple[str, str], ...] = ()
    suggestions: tuple[str, ...] = ()


def input_of(field: Field, example: Any, known: Array | None) -> Input:
    """The field with a value that fits, and what the `known` values of the reference tell of it."""
    control, sends = _control(field)
    choices = _choices(field) if control == "select" else ()
    value = _json(example) if sends == "json" else _typed(example, control)
    told = (words(field), "" if known is None else _range(field, known))
    suggestions = _suggestions(field, known) if control == "text" else ()
    return Input(field.name, *told, control, sends, value, field.optional, choices, suggestions)


def _control(field: Field) -> tuple[str, str]:
    if field.shape:
        return "textarea", "json"
    if field.kind == "bool":
        return ("select", "json") if field.optional else ("checkbox", "check")
    if field.categories is not None and len(field.categories) <= _MOST_CHOICES:
        return "select", "json"
    if field.kind == "number":
        return "number", "whole" if is_whole(field) else "number"
    if field.kind == "datetime" and getattr(field.runtime, "tz", None) is None:
        return "datetime-local", "moment"
    if field.kind in ("datetime", "timedelta", "decimal"):
        return "text", "moment"
    return _CONTROLS.get(field.kind, "text"), "moment" if field.kind in _CONTROLS else "text"


def _choices(field: Field) -> tuple[tuple[str, str], ...]:
    values = field.categories if field.categories is not None else (True, False)
    pairs = [(_json(value), str(value) if field.categories is not None else _json(value)) for value in values]
    return (*([("null", "missing")] if field.optional else []), *pairs)


def _typed(value: Any, control: str) -> str:
    """The value as somebody types it into the control; nothing for a missing one."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return _json(value)
    text = value if isinstance(value, str) else _json(value)
    return _to_the_millisecond(text) if control in ("datetime-local", "time") else text


def _to_the_millisecond(text: str) -> str:
    """A time as browsers take it."""
    whole, point, fraction = text.replace(" ", "T").partition(".")
    fraction = fraction[:3].rstrip("0")
    return whole + point + fraction if fraction else whole


def _range(field: Field, known: Array) -> str:
    """`0.5 – 120`, of the values that are known."""
    if field.shape or field.categories is not None or field.kind not in _RANGED:
        return ""
    import pandas as pd

    there = pd.Series(known).dropna()
    if not len(there):
        return ""
    return " – ".join(_short(orjson.loads(dumps(value))) for value in (there.min(), there.max()))


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).removesuffix("T00:00:00")


def _suggestions(field: Field, known: Array | None) -> tuple[str, ...]:
    """The texts that occur, where they are few."""
    if field.categories is not None:
        return tuple(map(str, field.categories))
    if known is None or field.kind != "text":
        return ()
    texts = {value for value in known if isinstance(value, str) and value}
    return tuple(sorted(texts)) if len(texts) <= _MOST_SUGGESTIONS else ()


def _json(value: Any) -> str:
    return dumps(value).decode()
