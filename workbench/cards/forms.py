"""A version -> a form that predicts while it is filled: types, ranges and categories are those of its reference."""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .. import text
from ..data.encoding import as_list
from ..errors import NotFound, UsageError, WorkbenchError
from ..inference.reading import ONLY
from .card import Parts
from .charts import curve
from .fields import Range, field
from .markup import el, escape
from .reasons import Reasons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..bundle.version import ModelVersion
    from ..inference.predictor import Predictor
    from ..patterns.serving.looking.inputs import Input

_POINTS = 21
_MOST_CURVES = 24


class FormCard:
    """A row that somebody fills in, and what the model answers to it; below each slider, how the answer changes where
    only that field does; beside them, what each column adds to the answer, once nobody moves anything."""

    def __init__(
        self, version: ModelVersion, home: Path | None = None, values: Mapping[str, Any] | None = None
    ) -> None:
        self.name = f"form/{version.ref}/{secrets.token_hex(3)}"
        self._version, self._home, self._values = version, home, values
        self._predictor: Predictor | None = None
        self._inputs: list[Input] = []
        self._ranges: dict[str, Range] = {}
        self._shown: Parts = {}
        self._reasons, self._row = Reasons(version), dict[str, Any]()
        self._asks, self._lock = 0, threading.RLock()  # a model answers one question at a time

    def __str__(self) -> str:
        return f"a form for {self._version.ref}: a notebook shows it"

    def goes_on(self, before: Any) -> None:
        """There is nothing to take over."""

    def look(self) -> Parts:
        """The form, with the answer to what it held last; at first to a row of the reference."""
        if not self._shown:
            self._read_reference()
            answer = self._answered({one.name: _first(one) for one in self._inputs})
            self._shown = {"head": self._head(), "fields": self._form(answer)} | answer
        return self._shown

    def press(self, do: str, **args: Any) -> Parts:
        """Predict for what the form holds: JSON text by field; or explain what was answered last, `asked` for by
        somebody or because there is time. UsageError for another button."""
        if do == "explain":
            return {"why": self._why(asked=bool(args.get("asked")))}
        if do != "predict":
            raise UsageError(f"a form has no button {do!r}", fix="run its cell again")
        self._asks = mine = self._asks + 1
        with self._lock:
            if mine != self._asks:
                return {}
            self.look()
            answer = self._answered(dict(args.get("values") or {}))
            self._shown |= answer
            return answer

    def _why(self, *, asked: bool) -> str:
        mine = self._asks
        with self._lock:
            if not self._row:
                return ""
            table = self._table([self._row])
            return self._reasons.bars(self._loaded(), table, lambda: mine != self._asks, asked=asked)

    def _head(self) -> str:
        title = el("b", escape(self._version.ref), cls="wb-name") + el("span", "try it", cls="wb-since")
        note = self._version.note
        return el("div", title, cls="wb-title") + (el("div", escape(note), cls="wb-about") if note else "")

    def _form(self, answer: Parts) -> str:
        """The fields. They are written once, since somebody fills them."""
        fields = [
            field(one, f"{self.name}-{number}", self._ranges.get(one.name), _curve(number, answer))
            for number, one in enumerate(self._inputs)
        ]
        how = {"data_input": "predict", "data_later": "explain", "data_first": True}
        return el("form", *fields, cls="wb-form", **how, autocomplete="off")

    def _read_reference(self) -> None:
        from ..patterns.serving.looking.examples import first_row
        from ..patterns.serving.looking.inputs import input_of

        try:
            known = self._version.reference()
        except NotFound:
            known = {}
        row = first_row(known)
        for one in self._loaded().schema.fields:
            example = as_list(row[one.name])[0] if row else None
            made = input_of(one, example, known.get(one.name))
            if self._values and one.name in self._values:
                made = _begun(made, self._values[one.name])
            self._inputs.append(made)
            if made.control == "number" and (found := _range(known.get(one.name), whole=made.sends == "whole")):
                self._ranges[one.name] = found

    def _loaded(self) -> Predictor:
        if self._predictor is None:
            self._predictor = self._version.predictor(self._home)
        return self._predictor

    def _answered(self, said: dict[str, str]) -> Parts:
        """What the model answers, and the curves; a refusal in its place, which leaves the curves as they are."""
        try:
            row = {name: json.loads(value) for name, value in said.items()}
            begun = time.perf_counter()
            answer = self._predict([row])
            took, self._row = time.perf_counter() - begun, row
        except WorkbenchError as error:
            self._row = {}
            return {"answer": el("p", escape(str(error)).replace("\n", "<br>"), cls="wb-bad")}
        except ValueError as error:
            return {"answer": el("p", escape(f"this is not JSON: {error}"), cls="wb-bad")}
        pairs = "".join(
            el("div", el("dt", escape(name)), el("dd", escape(_said(values[0]))), cls="wb-out")
            for name, values in answer.items()
        )
        caption = el(
            "p", escape(f"{self._version.ref} · {text.milliseconds(took)} ms"), self._link(row), cls="wb-caption"
        )
        return {"answer": el("dl", pairs, cls="wb-outs") + caption} | self._curves(row, answer)

    def _link(self, row: dict[str, Any]) -> str:
        """A link to the page with this very row, where the page said that it reads one."""
        if self._values is None:
            return ""
        there = {name: value for name, value in row.items() if value is not None}
        return " · " + el("a", "link to this", href=f"?{urlencode({'model': self._version.name} | there)}")

    def _predict(self, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
        return {name: as_list(values) for name, values in self._loaded().predict(self._table(rows)).items()}

    def _table(self, rows: list[dict[str, Any]]) -> Any:
        schema = self._loaded().schema
        if schema.kind == "array":
            return {ONLY: schema.fields[0].cast([row[ONLY] for row in rows])}
        return schema.table(rows)

    def _curves(self, row: dict[str, Any], answer: dict[str, list[Any]]) -> Parts:
        """For each field with a range: the first number of the answer where that field alone is another, and a point
        where it is. All of one height, so that they can be compared."""
        numeric = next((name for name, values in answer.items() if _number(values[0])), None)
        ranges = dict(list(self._ranges.items())[:_MOST_CURVES])
        if numeric is None or not ranges or not self._loaded().row_wise:
            return {}
        at = {name: known.over(_POINTS) for name, known in ranges.items()}
        try:
            found = iter(self._predict([row | {name: value} for name in at for value in at[name]])[numeric])
        except WorkbenchError:  # a value between may be one that the model refuses
            return {}
        drawn = {name: [next(found) for _ in values] for name, values in at.items()}
        known = [value for values in drawn.values() for value in values if _number(value)]
        ends = (min(known, default=0.0), max(known, default=1.0))
        places = {one.name: number for number, one in enumerate(self._inputs)}
        here = answer[numeric][0]
        return {
            f"curve-{places[name]}": curve(at[name], values, ends, (row.get(name), here))
            for name, values in drawn.items()
        }


def _curve(number: int, answer: Parts) -> str:
    return el("div", answer.get(f"curve-{number}", ""), cls="wb-curve", data_part=f"curve-{number}")


def _begun(asked: Input, value: Any) -> Input:
    """A field that begins with a value of somebody's choice, as it stands in a link."""
    if asked.sends == "check":
        return replace(asked, value=json.dumps(str(value).lower() in ("true", "1", "yes")))
    known = {shown: sent for sent, shown in asked.choices}
    return replace(asked, value=known.get(str(value), str(value)))


def _first(asked: Input) -> str:
    """The JSON text of the value that a field begins with."""
    if asked.sends in ("json", "check", "whole", "number"):
        return asked.value or "null"
    return "null" if asked.value == "" and asked.optional else json.dumps(asked.value)


def _range(values: Any, *, whole: bool) -> Range | None:
    """The ends of what is known; None where that is nothing, or one value."""
    import pandas as pd

    there = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").dropna() if values is not None else []
    if not len(there):
        return None
    least, most = float(min(there)), float(max(there))
    return Range(least, most, whole) if least < most and most - least < float("inf") else None


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _said(value: Any) -> str:
    if value is None or value != value:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
