"""What follows `live` -> how its traffic is split: sliders for the versions that come, and the buttons of a rollout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..routing.table import Table
from .card import Parts, said
from .jobs import JobCard
from .markup import button, el, escape

_WHOLE = 100.0


class RoutedCard(JobCard):
    """A deployment whose traffic several versions may share."""

    drawn = ("route", "new")

    @property
    def table(self) -> Table:
        """How its traffic is split."""
        return Table.parse(str(self.handle.job.facts.get("table") or "@"))

    def route(self) -> str:
        from ..operations.rollout import words

        table, verdict = self.table, words(self.handle.running, self.handle.job)
        told = el("p", escape(verdict), cls="wb-caption") if verdict else ""
        if not table.others or table.shadow or table.bandit or self.handle.job.over:
            return told
        return sliders(table) + told

    def rollout(self) -> list[str]:
        """What can be done with a version that comes; of several each has its own button beside its slider."""
        if self.handle.state != "ready":
            return []
        table, back = self.table, button("Roll back", "rollback")
        if len(table.others) > 1 and not table.bandit:
            return [back]
        if table.beside:
            return [button(f"Promote {table.beside}", "promote", kind="main", version=table.beside), back]
        if not (newer := self._newer()):
            return []
        promote = button(f"Promote {newer}", "promote", kind="main", version=newer)
        return [promote, button("Try on 10 %", "share", version=newer, value=10)]

    def _newer(self) -> str:
        """The proven version that is newer than the one which answers, where it follows `live`."""
        name, _, number = str(self.handle.facts.get("version", "")).partition("@")
        if not number or not str(self.handle.job.spec.get("model", "")).endswith("@live"):
            return ""
        newest = max(self.handle.registry.versions(name), key=lambda v: v.version, default=None)
        return newest.ref if newest and newest.version > int(number) and newest.readable and newest.proven else ""

    def press(self, do: str, **args: Any) -> Parts:
        version = str(args.get("version", ""))
        if do == "promote":
            return said(self.workbench().promote(version))
        if do == "rollback":
            return said(self.workbench().rollback(self.table.ref.partition("@")[0]))
        if do == "share":
            return self._share({version: float(args.get("value") or 0.0)})
        if do == "shares":
            return self._share({str(ref): float(share) for ref, share in dict(args["shares"]).items()})
        return super().press(do, **args)

    def _share(self, shares: Mapping[str, float]) -> Parts:
        from ..operations.moving import moved

        return said(moved(self.handle.running, self.handle.registry, shares))


def sliders(table: Table) -> str:
    """One with a version at each of its ends; of more versions one for each: who gets more takes it from the others."""
    return _two(table) if len(table.others) == 1 else _several(table)


def _two(table: Table) -> str:
    slide = _slider(table.beside, table.share, "share", data_args={"version": table.beside})
    return el(
        "div",
        _end(table.ref, _WHOLE - table.share, "rest"),
        slide,
        _end(table.beside, table.share, "share"),
        cls="wb-split",
    )


def _end(ref: str, share: float, shown: str) -> str:
    return el("span", el("code", escape(ref)), " ", el("b", f"{share:g} %", data_show=shown), cls="wb-end")


def _several(table: Table) -> str:
    lines = (_line(ref, share, live=ref == table.ref) for ref, share in table.shares.items())
    return el("div", *lines, cls="wb-shares", role="group", aria_label="how the traffic is shared")


def _line(ref: str, share: float, *, live: bool) -> str:
    promote = button("Promote", "promote", read=f"promote {ref}", version=ref)
    beside = el("span", "live", cls="wb-soft") if live else promote
    shown = el("b", f"{round(share, 1):g} %", data_show="share")
    return el("div", el("code", escape(ref)), _slider(ref, share, "shares", name=ref), shown, beside, cls="wb-share")


def _slider(ref: str, share: float, change: str, **more: Any) -> str:
    ends = {"min": "0", "max": f"{_WHOLE:g}", "step": "1", "value": f"{share:g}"}
    label = f"share of {ref} in percent"
    return el("input", type="range", **ends, data_change=change, **more, aria_label=label)
