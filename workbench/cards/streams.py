"""A stream -> its card: its rate, how far it is behind, how long a record takes, and what went wrong."""

from __future__ import annotations

import time

from .. import text
from . import charts
from .markup import button
from .traffic import RoutedCard


class StreamCard(RoutedCard):
    """A model that answers each record of a queue: its rate, how far it is behind, how long a record takes and in what
    batches, and what went wrong."""

    def figures(self) -> str:
        facts, up = self.handle.facts, self.handle.state == "ready"
        rate = float(facts.get("rate") or 0.0) if up else 0.0
        lag, p99, batch = facts.get("lag"), facts.get("p99") if rate else None, facts.get("batch") if rate else None
        dead, tries = int(facts.get("dead") or 0), int(facts.get("tries") or 0) + int(facts.get("again") or 0)
        now = {"rate": rate, "lag": lag, "p99": p99, "batch": batch, "dead": float(dead), "tries": float(tries)}
        self.trend.add(time.monotonic(), **now)
        drawn = (
            ("records/s", text.count(round(rate)) if up else "–", "rate", False),
            ("lag", text.count(lag) if lag is not None else "–", "lag", False),
            ("event to sink, p99", _short(p99) if p99 is not None else "–", "p99", False),
            ("records of a batch", text.count(round(batch)) if batch is not None else "–", "batch", False),
            ("retries", text.count(tries), "tries", tries > 0 and not up),
            ("dead letters", text.count(dead), "dead", dead > 0),
        )
        kinds = [charts.figure(title, said, "", self.trend.of(key), wrong=wrong) for title, said, key, wrong in drawn]
        return charts.figures([*kinds, charts.figure("records", text.count(facts.get("records") or 0))])

    def buttons(self) -> list[str]:
        pause = [button("Pause", "pause")] if self.handle.state in ("ready", "blocked") else []
        return [*self.rollout(), *pause, *super().buttons()]


def _short(seconds: float) -> str:
    return f"{text.milliseconds(seconds)} ms" if seconds < 1 else text.seconds(seconds)
