"""A notebook with parameters -> a form that runs it: once, as a sweep of one parameter, or on a cycle."""

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
_KINDS = {"frame": "a file or table", "list": "a list: [1, 2]", "dict": "a dict: {'a': 1}"}


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
        hint = {"placeholder": "3, 5, 8 or 3..8", "aria_label": "its values, with a comma between them, or a range"}
        typed = el("input", type="text", name="+values", data_sends="text", **hint)
        hint = {"placeholder": "best by: auc, loss:min", "aria_label": "the result that says which is best"}
        best = el("input", type="text", name="+best", data_sends="text", **hint)
        return el("div", chosen, typed, best, button("Run each", "sweep", form=True), cls="wb-line-of")

    def _cycle(self) -> str:
        hint = {"placeholder": "monday 6:00", "aria_label": "when: a cron line, or a day and a time"}
        typed = el("input", type="text", name="+every", data_sends="text", **hint)
        return el("div", typed, button("Schedule", "schedule", form=True), cls="wb-line-of")

    def press(self, do: str, **args: Any) -> Parts:
        """Run it, once or as a sweep, or schedule either. UsageError, which names what does not fit."""
        held = {name: json.loads(value) for name, value in dict(args.get("values") or {}).items()}
        if do not in ("run", "sweep", "schedule"):
            raise UsageError(f"a form has no button {do!r}", fix="run its cell again")
        asked = self._swept(held, wanted=do == "sweep") if do != "run" else {}
        given = {name: value for name, value in self._given(held).items() if name not in asked.get("sweep", {})}
        if do == "schedule":
            asked["every"] = str(held.get("+every") or "")
            if not asked["every"]:
                raise UsageError("a schedule needs a cycle", fix="write when: monday 6:00")
        made = self._workbench().batch(str(self._notebook), parameters=given, **asked)
        if do == "schedule":
            from .schedules import ScheduleCard

            return {**card.said(made), "detail": [ScheduleCard(made)]}
        return {"said": escape(f"began {made.name}"), "detail": [RunCard(made)]}

    def _swept(self, held: dict[str, Any], *, wanted: bool) -> dict[str, Any]:
        """The sweep that the form holds, as the verb takes it; nothing where it holds none and none is wanted."""
        name, values = str(held.get("+sweep") or ""), str(held.get("+values") or "").strip()
        if not values and wanted:
            raise UsageError(f"{name} has no values to run with", fix="write them: 3, 5, 8 or 3..8")
        asked = {"sweep": {name: values}} if values else {}
        best = str(held.get("+best") or "").strip()
        return {**asked, "best": best} if asked and best else asked

    def _given(self, held: dict[str, Any]) -> dict[str, Any]:
        """What differs from the defaults, which may be more than a form can hold."""
        return {
            one.name: held[one.name]
            for one in self._inputs
            if held.get(one.name) is not None and one.value not in (_typed(held[one.name]), json.dumps(held[one.name]))
        }

    def _workbench(self) -> Workbench:
        from ..api import Workbench

        return Workbench(self._home)


def _input(parameter: Parameter) -> Input:
    control, sends = _CONTROLS.get(parameter.type or str, ("text", "text"))
    if parameter.choices:
        given = tuple((json.dumps(choice), str(choice)) for choice in parameter.choices)
        default = json.dumps(_literal(parameter.default))
        return Input(parameter.name, parameter.help, "", "select", "json", default, parameter.optional, given)
    words = " · ".join(filter(None, [parameter.help, _KINDS.get(parameter.kind, parameter.kind)]))
    choices = (("true", "yes"), ("false", "no")) if parameter.type is bool else ()
    return Input(parameter.name, words, "", control, sends, _default(parameter), parameter.optional, choices)


def _literal(default: str) -> Any:
    """The value of a default; None for one that is no literal, which stays as it is."""
    try:
        return ast.literal_eval(default) if default else None
    except ValueError:
        return None


def _default(parameter: Parameter) -> str:
    """The default as the field holds it."""
    value = _literal(parameter.default)
    if isinstance(value, bool):
        return json.dumps(value)
    return "" if value is None else value if isinstance(value, str) else repr(value)


def _typed(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
