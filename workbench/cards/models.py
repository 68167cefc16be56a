"""A version -> its card: what was proven and taken, who uses it, and what can be done with it next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..routing.table import Table
from . import card, reading
from .card import Parts
from .markup import button, el, escape, rows

if TYPE_CHECKING:
    from ..api import Workbench
    from ..bundle.version import ModelVersion


class ModelCard:
    """One version of a model, in the home at `home`."""

    def __init__(self, version: ModelVersion, home: Path | None = None) -> None:
        self.name, self._version, self._home = version.ref, version, home

    def goes_on(self, before: Any) -> None:
        """There is nothing to take over."""

    def look(self) -> Parts:
        """All parts, with what follows it now."""
        return self.parts()

    def parts(self) -> Parts:
        """All parts. The text of a version never changes; its aliases and who uses it do."""
        told, mine = reading.read(str(self._version)), self._workbench()
        aliases = [name for name, n in mine.registry.aliases(self._version.name).items() if n == self._version.version]
        deployed = [job for job in mine.running.deployed() if not job.over]
        users = [job for job in deployed if self.name in _refs(job)]
        shown = [(label, reading.row(label, line)) for label, line in told.rows if label != "also"]
        ways = ("ways", shown.pop()[1]) if told.row("next") else ("", "")
        used = " ".join(
            el("code", escape(job.name)) + " " + el("span", job.state, cls=f"wb-state wb-{job.state}") for job in users
        )
        return {
            "head": self._head(told, aliases),
            "rows": rows([*shown, ("used by", used), ways]),
            "buttons": "".join(self._buttons(aliases, served=any(map(self._is_served, deployed)))),
        }

    def _is_served(self, job: Any) -> bool:
        """Whether a service has the name that one of this version would have."""
        return bool(job.name == f"service/{self._version.name}")

    def _head(self, told: reading.Said, aliases: list[str]) -> str:
        proven = self._version.readable and self._version.proven
        mark = el("span", "proven" if proven else "not proven", cls=f"wb-state wb-{'ready' if proven else 'failed'}")
        title = [el("b", escape(self.name), cls="wb-name"), mark]
        title += [el("span", escape(alias), cls="wb-state wb-alias") for alias in aliases]
        about = '<span class="wb-dot"> · </span>'.join(reading.part(part) for part in told.about)
        return el("div", *title, cls="wb-title") + el("div", about, cls="wb-about")

    def _buttons(self, aliases: list[str], *, served: bool) -> list[str]:
        """What it is served by already follows `live`: the version comes into it by its promotion."""
        if not (self._version.readable and self._version.proven):
            return []
        found = [] if served else [button("Serve", "serve", kind="main")]
        if "live" not in aliases:
            found.append(button("Promote to live", "promote", kind="main" if served else ""))
        return [*found, button("Try it", "try")]

    def press(self, do: str, **args: Any) -> Parts:
        """Try, serve or promote it. UsageError for what it has no button for."""
        if do == "try":
            from .forms import FormCard

            return {"detail": [FormCard(self._version, self._home)]}
        if do == "serve":
            return card.said(self._workbench().serve(self.name))
        if do == "promote":
            return card.said(self._workbench().promote(self.name))
        raise UsageError(f"a card of {self.name} has no button {do!r}", fix="run its cell again")

    def _workbench(self) -> Workbench:
        from ..api import Workbench

        return Workbench(self._home)


def _refs(job: Any) -> tuple[str, ...]:
    """The versions that a deployment uses: that which is live, and those that come."""
    return Table.parse(str(job.facts.get("table") or job.facts.get("version") or "@")).refs
