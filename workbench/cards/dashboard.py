"""All of a home -> one card: models, deployments, runs, schedules, drift and quality; one table is seen, by pages."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import UsageError
from ..operations.running import DEPLOYED
from .card import Parts
from .kinds import card_of
from .markup import button, el, escape
from .tables import DRIFTED, PAGE, TABLES, View

if TYPE_CHECKING:
    from ..listing import Overview

_STATES = ("starting", "ready", "blocked", "paused", "stopping", "stopped", "failed", "done")


class DashboardCard:
    """One screen of everything. What is looked at stays over a reload of the page."""

    def __init__(self, overview: Overview) -> None:
        from ..api import Workbench

        self.name = f"dashboard/{secrets.token_hex(3)}"
        self._api, self._view = Workbench(overview.home), View()

    def goes_on(self, before: Any) -> None:
        """There is nothing to take over."""

    def look(self) -> Parts:
        """What there is in all, the filters, and the page that is looked at."""
        return {"head": self._head(), "fields": self._filters(), "table": self._table()}

    def press(self, do: str, **args: Any) -> Parts:
        """Look at another table, page or state, at one thing, or anew for drift. UsageError for another button, and
        what the verbs raise."""
        if do == "look":
            held = {name: json.loads(value) for name, value in dict(args.get("values") or {}).items()}
            kind, asked, state = (str(held.get(key) or "") for key in ("kind", "text", "state"))
            self._view = View(kind, asked, state)
        elif do == "page":
            self._view = replace(self._view, skip=max(0, int(args["skip"])))
        elif do == "show":
            name = str(args["name"])
            return {"detail": [card_of(self._api.registry.resolve(name) if "@" in name else self._api.status(name))]}
        elif do == "drift":
            return {"detail": _drawn(self._api.drift(str(args["name"]))), "table": self._table()}
        else:
            raise UsageError(f"the dashboard has no button {do!r}", fix="run its cell again")
        return {"table": self._table()}

    def _head(self) -> str:
        running = self._api.running
        counts = running.store.counts(*DEPLOYED) if running.any else {}
        told = [f"{text.count(counts[state])} {state}" for state in _STATES if counts.get(state)]
        said = " · ".join(told) or "nothing is deployed yet"
        title = el("b", "Workbench", cls="wb-name") + el("span", escape(said), cls="wb-since")
        note = el("p", escape(idle), cls="wb-bad") if (idle := running.looked_at()) else ""
        return el("div", title, cls="wb-title") + el("div", escape(str(self._api.home)), cls="wb-about wb-soft") + note

    def _filters(self) -> str:
        """They are written once, since somebody fills them."""
        tabs = "".join(_tab(kind, self.name, checked=kind == View().kind) for kind in TABLES)
        states = ("", *_STATES, DRIFTED)
        options = (el("option", state or "any state", value=state) for state in states)
        chosen = el("select", *options, name="state", data_sends="text", aria_label="state")
        hint = {"placeholder": "filter by name or model", "aria_label": "filter by name or model"}
        typed = el("input", type="search", name="text", data_sends="text", **hint)
        group = el("div", tabs, cls="wb-tabs", role="radiogroup", aria_label="what to look at")
        return el("form", group, typed, chosen, cls="wb-filters wb-asks", data_input="look", data_first=True)

    def _table(self) -> str:
        view = self._view if self._view.kind in TABLES else View()
        found = TABLES[view.kind](self._api, view)
        if not found.rows:
            none = "like that" if view.text or view.state else "yet"
            return el("p", f"no {view.kind} {none}", cls="wb-caption")
        heads = el("tr", *(el("th", name, scope="col") for name in found.head))
        body = (el("tr", *(el("td", cell) for cell in row)) for row in found.rows)
        table = el("table", el("thead", heads), el("tbody", *body))
        scroll = el("div", table, cls="wb-scroll", tabindex="0", role="region", aria_label=view.kind)
        return scroll + _pages(view.skip, len(found.rows), found.total)


def _drawn(drift: Any) -> str:
    """What was found, as its card has it, and how each column is spread."""
    said = el("p", escape(str(drift)).replace("\n", "<br>"))
    return said + el("div", drift.plot(), cls="wb-scroll", tabindex="0", role="region", aria_label="how columns spread")


def _tab(kind: str, name: str, *, checked: bool) -> str:
    id = f"{name}-{kind.partition(' ')[0]}"
    radio = el("input", type="radio", name="kind", value=kind, data_sends="text", checked=checked, id=id)
    return radio + el("label", kind.capitalize(), for_=id)


def _pages(skip: int, shown: int, total: int) -> str:
    said = el("span", f"{text.count(skip + 1)} – {text.count(skip + shown)} of {text.count(total)}", cls="wb-caption")
    newer = button("Back", "page", skip=max(0, skip - PAGE)) if skip else ""
    older = button("More", "page", skip=skip + PAGE) if skip + shown < total else ""
    return el("div", said, newer, older, cls="wb-line-of")
