"""A service -> its card: what it is asked a second, how quick and how well it answers, and how its traffic is split."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from .. import text
from ..operations.figures import metrics
from ..routing.table import Table
from . import charts
from .card import Parts, said
from .jobs import JobCard
from .markup import button, el, escape

if TYPE_CHECKING:
    from ..monitoring.figures import Figures

_WINDOW = 10
_WHOLE = 100.0


class ServiceCard(JobCard):
    """A model that answers over HTTP."""

    drawn = ("route", "new")

    def __init__(self, handle: Any) -> None:
        super().__init__(handle)
        self._seen: deque[tuple[float, Figures]] = deque(maxlen=_WINDOW)

    def goes_on(self, before: Any) -> None:
        super().goes_on(before)
        self._seen = before._seen

    def figures(self) -> str:
        file = metrics(self.handle.job)
        if self.handle.job.over or not file.is_file():
            return ""
        from ..monitoring.figures import read

        now, at = read(file), time.monotonic()
        if self._seen and now.requests < self._seen[-1][1].requests:  # it began anew
            self._seen.clear()
        if self._seen:
            self._add(at, now, *self._seen[-1])
        self._seen.append((at, now))
        return charts.figures(self._drawn(now))

    def _add(self, at: float, now: Figures, before_at: float, before: Figures) -> None:
        new, passed = now.since(before), max(1e-3, at - before_at)
        rates = {"rate": new.requests / passed, "errors": new.failures / passed}
        times = {"p50": new.p50, "p99": new.p99}
        self.trend.add(at, **rates, **times)

    def _drawn(self, now: Figures) -> list[str]:
        """What was seen lately; of times where nobody asked, since it started."""
        (first_at, first), (last_at, _) = self._seen[0], self._seen[-1]
        lately, passed = now.since(first), last_at - first_at
        rate = text.count(round(lately.requests / passed)) if passed else "–"
        times = lately if lately.answered else now
        return [
            charts.figure("requests/s", rate, "", self.trend.of("rate")),
            charts.figure("p50", _ms(times.p50), "ms", self.trend.of("p50")),
            charts.figure("p99", _ms(times.p99), "ms", self.trend.of("p99")),
            charts.figure("errors", text.count(now.failures), "", self.trend.of("errors"), wrong=bool(lately.failures)),
        ]

    @property
    def table(self) -> Table:
        """How its traffic is split."""
        return Table.parse(str(self.handle.job.facts.get("table") or "@"))

    def route(self) -> str:
        from ..operations.rollout import words

        table, verdict = self.table, words(self.handle.running, self.handle.job)
        told = el("p", escape(verdict), cls="wb-caption") if verdict else ""
        if len(table.others) != 1 or table.shadow or table.bandit or self.handle.job.over:
            return told
        slide = el(
            "input",
            type="range",
            min="0",
            max="100",
            step="1",
            value=f"{table.share:g}",
            data_change="share",
            data_args={"version": table.beside},
            aria_label=f"share of {table.beside} in percent",
        )
        ends = (_share(table.ref, _WHOLE - table.share, "rest"), _share(table.beside, table.share, "share"))
        return el("div", ends[0], slide, ends[1], cls="wb-split") + told

    def buttons(self) -> list[str]:
        if self.handle.state != "ready":
            return super().buttons()
        return [
            button("Open", "open", kind="" if self._rollout() else "main"),
            *self._rollout(),
            button("Restart", "restart"),
            *super().buttons(),
        ]

    def _rollout(self) -> list[str]:
        """What can be done with a version that comes."""
        beside = self.table.beside
        if beside:
            promote = button(f"Promote {beside}", "promote", kind="main", version=beside)
            return [promote, button("Roll back", "rollback")]
        newer = self._newer()
        if not newer:
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
            return self._split(version, float(args.get("value") or 0.0))
        return super().press(do, **args)

    def _split(self, version: str, share: float) -> Parts:
        """Give a version this share of the traffic, in percent: nothing takes it back, all of it promotes it."""
        if share <= 0:
            return self.press("rollback")
        if share >= _WHOLE:
            return self.press("promote", version=version)
        return said(self.workbench().promote(version, canary=f"{share:g}"))


def _share(ref: str, share: float, name: str) -> str:
    return el("span", el("code", escape(ref)), " ", el("b", f"{share:g} %", data_show=name), cls="wb-end")


def _ms(seconds: float | None) -> str:
    return text.milliseconds(seconds) if seconds else "–"
