"""A notebook with parameters -> a form that runs it: once, for several values of one parameter, or on a cycle."""

from __future__ import annotations

import ast
import json
import secrets
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..patterns.serving.looking.inputs import Input
from . import card
from .card import Parts
from .fields import field
from .jobs import RunCard
from .markup import button, el, escape

if TYPE_CHECKING:
    from ..api import Workbench
    from ..patterns.batch.parameters import Parameter

_CONTROLS = {
    int: ("number", "whole"),
    float: ("number", "number"),
    bool: ("select", "json"),
    date: ("date", "moment"),
    datetime: ("datetime-local", "moment"),
}
_MOST_RUNS = 100
_AT_ONCE = 5


class NotebookCard:
    """The parameters of a notebook, with their defaults, and what was begun with them."""

    def __init__(self, notebook: str, home: Path | None = None) -> None:
        from ..patterns.batch import parameters

        self._notebook, self._home = Path(notebook).absolute(), home
        self._parameters = parameters.read(self._notebook) or {}
        self.name = f"form/{self._notebook.name.replace(' ', '-')}/{secrets.token_hex(3)}"
        self._inputs = [_input(parameter) for parameter in self._parameters.values()]

    def __str__(self) -> str:
        return f"a form for {self._notebook.name}: a notebook shows it"

    def goes_on(self, before: Any) -> None:
        """There is nothing to take over."""

    def look(self) -> Parts:
        """The form."""
        title = el("b", escape(self._notebook.name), cls="wb-name") + el("span", "run it", cls="wb-since")
        return {"head": el("div", title, cls="wb-title"), "fields": self._form()}

    def _form(self) -> str:
        fields = [field(one, f"{self.name}-{i}", None) for i, one in enumerate(self._inputs)]
        none = el("p", "It has no cell tagged `parameters`: it runs as it is.", cls="wb-caption")
        run = el("div", button("Run", "run", kind="main", form=True), cls="wb-line-of")
        asks = el("div", run, self._sweep(), self._cycle(), cls="wb-asks wb-whole")
        return el("form", *(fields or [none]), asks, cls="wb-form", autocomplete="off")

    def _sweep(self) -> str:
        if not self._inputs:
            return ""
        options = [el("option", escape(one.name), value=one.name) for one in self._inputs]
        chosen = el("select", *options, name="+sweep", data_sends="text", aria_label="the parameter to sweep")
        hint = {"placeholder": "3, 5, 8", "aria_label": "its values, with a comma between them"}
        typed = el("input", type="text", name="+values", data_sends="text", **hint)
        return el("div", chosen, typed, button("Run each", "sweep", form=True), cls="wb-line-of")

    def _cycle(self) -> str:
        hint = {"placeholder": "monday 6:00", "aria_label": "when: a cron line, or a day and a time"}
        typed = el("input", type="text", name="+every", data_sends="text", **hint)
        return el("div", typed, button("Schedule", "schedule", form=True), cls="wb-line-of")

    def press(self, do: str, **args: Any) -> Parts:
        """Run it, once or for each value of a sweep, or schedule it. UsageError, which names what does not fit."""
        held = {name: json.loads(value) for name, value in dict(args.get("values") or {}).items()}
        given = self._given(held)
        if do == "run":
            return self._begun([given])
        if do == "sweep":
            name, values = str(held.get("+sweep")), _several(str(held.get("+values") or ""))
            if not values:
                raise UsageError(f"{name} has no values to run with", fix="write them with a comma between: 3, 5, 8")
            return self._begun([given | {name: value} for value in values])
        if do == "schedule":
            every = str(held.get("+every") or "")
            if not every:
                raise UsageError("a schedule needs a cycle", fix="write when: monday 6:00")
            made = self._workbench().batch(str(self._notebook), parameters=given, every=every)
            from .schedules import ScheduleCard

            return {**card.said(made), "detail": [ScheduleCard(made)]}
        raise UsageError(f"a form has no button {do!r}", fix="run its cell again")

    def _given(self, held: dict[str, Any]) -> dict[str, Any]:
        """What differs from the defaults, which may be more than a form can hold."""
        return {
            one.name: held[one.name]
            for one in self._inputs
            if one.name in held and _typed(held[one.name]) != one.value and held[one.name] is not None
        }

    def _begun(self, sets: list[dict[str, Any]]) -> Parts:
        if len(sets) > _MOST_RUNS:
            raise UsageError(f"{len(sets)} runs at once are too many", fix=f"give {_MOST_RUNS} values at most")
        runs = [self._workbench().batch(str(self._notebook), parameters=given) for given in sets]
        names = ", ".join(run.name for run in runs)
        shown: list[Any] = [RunCard(run) for run in runs[:_AT_ONCE]]
        return {"said": escape(f"began {names}"), "detail": shown}

    def _workbench(self) -> Workbench:
        from ..api import Workbench

        return Workbench(self._home)


def _input(parameter: Parameter) -> Input:
    control, sends = _CONTROLS.get(parameter.type or str, ("text", "text"))
    words = " · ".join(filter(None, [parameter.help, parameter.type.__name__ if parameter.type else ""]))
    choices = (("true", "yes"), ("false", "no")) if parameter.type is bool else ()
    return Input(parameter.name, words, "", control, sends, _default(parameter), parameter.optional, choices)


def _default(parameter: Parameter) -> str:
    """The default as the field holds it; nothing for one that is no literal, which stays as it is."""
    try:
        value = ast.literal_eval(parameter.default) if parameter.default else None
    except ValueError:
        return ""
    if isinstance(value, bool):
        return json.dumps(value)
    return "" if value is None else value if isinstance(value, str) else repr(value)


def _typed(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _several(said: str) -> list[str]:
    return [value.strip() for value in said.split(",") if value.strip()]
