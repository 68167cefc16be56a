"""A handle on each kind of what runs, a schedule, and lists of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import text
from ..data.grammar import shown
from ..engines.spark_sources import is_files
from ..errors import WorkbenchError
from . import advice, figures, rollout
from .app import App
from .handles import Handle
from .judged import Judged
from .learners import Learner
from .runs import Run
from .schedules import Schedule

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from .running import Running


class Token(str):
    """What a service asks for. Shown it is hidden, so that no notebook is saved with it; as a string it is itself."""

    def __repr__(self) -> str:
        return "Token(hidden: in a shell, workbench token shows it; in code it is a string)"

    def to_json(self) -> str:
        return str(self)


class Service(Handle):
    """A model that answers over HTTP."""

    @property
    def url(self) -> str:
        """Where it answers: `http://127.0.0.1:8000`."""
        return str(self.facts.get("url", ""))

    @property
    def grpc(self) -> str:
        """Where it answers over gRPC: `127.0.0.1:8001`; empty where it does not."""
        return str(self.facts.get("grpc") or "")

    @property
    def token(self) -> Token:
        """What it asks for in the header `Authorization: Bearer …`; empty where it asks for none. NotFound."""
        from ..jobs import own_token

        if not self.job.spec["token"]:
            return Token("")
        return Token(own_token.read(self.running.store.job_folder(self.name), self.name))

    def _figures(self) -> dict[str, Any]:
        return {"url": self.url, "figures": figures.of_service(self.job)}

    def _brief(self) -> list[str]:
        return [self.url, f"grpc {self.grpc}" if self.grpc else "", self._version(), self._replicas()]

    def _replicas(self) -> str:
        """How many answer on a cluster, and how many they may become."""
        if "replicas" not in self.facts or self.state != "ready":
            return ""
        most = self.job.spec.get("max_workers")
        return text.count(len(self.facts["replicas"]), "replica") + (f" of at most {most}" if most else "")

    def _lines(self) -> list[tuple[str, str]]:
        own = self.name.partition("/")[2]
        seen = figures.of_service(self.job) if not self.job.over else {}
        return [
            ("note", self.remark),
            ("on", str(self.facts.get("engine") or "")),
            ("call", self._call(own) if self.state == "ready" else ""),
            ("later", self._later()),
            ("route", rollout.words(self.running, self.job)),
            ("seen", figures.words(seen)),
            ("time", self._time(seen.get("lately") or {})),
            ("found", self._judged()),
            ("lost", figures.deaths(self.facts) if not self.job.over else ""),
            ("gaps", figures.unlogged(self.facts)),
            ("speed", self.facts.get("speed", "")),
            ("own", _own(self.facts)),
            ("spans", self.facts.get("spans", "")),
            ("new", self._newer()),
            ("next", self._next(f"%workbench status {self.name}")),
        ]

    def _later(self) -> str:
        """Where the rows go of those who would rather not wait, and how they are scored."""
        if not (place := self.job.spec.get("async")):
            return ""
        model = str(self.job.spec["model"]).removesuffix("@live")
        return f"Prefer: respond-async puts rows on {shown(place)} → %stream {model} {shown(place)} -o TABLE"

    def _judged(self) -> str:
        """What was found last of its drift and quality."""
        return Judged.of(self.running.store.job_folder(self.name)).line(str(self.facts.get("version", "")))

    def _time(self, lately: dict[str, Any]) -> str:
        """Where the time of the last minute's requests went, and what would help where the workers are busy."""
        if not lately:
            return ""
        ref = str(self.facts.get("version", ""))
        help = advice.advice(self.job, lately["busy"], lately["stages"], row_wise=self._row_wise(ref))
        return " · ".join(filter(None, [figures.split(lately["p50"], lately["stages"]), help]))

    def _row_wise(self, ref: str) -> bool:
        try:
            return self.registry.resolve(ref).manifest.row_wise
        except WorkbenchError:
            return True

    def _call(self, own: str) -> str:
        version, token = str(self.facts.get("version", "")), bool(self.job.spec["token"])
        return figures.example_call(self.registry, version, self.url, own, token=token)


class Stream(Handle):
    """A model that answers each record of a queue."""

    def _brief(self) -> list[str]:
        facts = self.facts
        counts = [f"{text.count(facts['records'], 'record')}" if "records" in facts else ""]
        counts += [f"lag {text.count(facts['lag'])}" if "lag" in facts else ""]
        counts += [f"{text.count(round(facts['rate']))}/s" if facts.get("rate") and self.state == "ready" else ""]
        counts += [
            f"{text.seconds(facts['p99'])} from event to sink (p99)" if facts.get("rate") and "p99" in facts else ""
        ]
        counts += [f"{text.count(facts['held'])} in open parts" if facts.get("held") else ""]
        counts += [text.count(facts["dead"], "dead letter") if facts.get("dead") else ""]
        wait = facts.get("next_try", 0.0) - time.time()
        counts += [f"next try in {text.seconds(wait)}" if self.state == "blocked" and wait > 0 else ""]
        counts += [figures.of_stream(self.job) if self.state == "ready" else ""]
        workers = len(facts.get("workers") or ())
        counts += [text.count(workers, "worker") if workers and not self.job.over else ""]
        return [self._version(), *filter(None, counts)]

    def _dead(self) -> str:
        """What the newest dead letter died of, and how to see them."""
        place = self.facts.get("dead_letters")
        return f"the newest: {self.facts['died_of']} → %workbench dead-letters {self.name}" if place else ""

    def _lines(self) -> list[tuple[str, str]]:
        to = self.job.spec["output"]
        read = shown(self.job.spec["input"])
        way = f"{read} → {' and '.join(map(shown, [to] if isinstance(to, str) else to))}"
        steps = self._next(*([] if is_files(read) else [f"%workbench put {read} FILE"]))
        lines = [
            ("note", self.remark),
            ("on", str(self.facts.get("engine") or "")),
            ("way", way),
            ("route", rollout.words(self.running, self.job)),
        ]
        lines += [("dead", self._dead()), ("speed", self.facts.get("speed", ""))]
        lines += [("own", _own(self.facts)), ("new", self._newer())]
        return [*lines, ("next", steps)]


def _own(facts: dict[str, Any]) -> str:
    """Which versions answer from an environment of their own, and what they need."""
    needs: dict[str, str] = facts.get("own") or {}
    return " · ".join(f"{ref} answers from an environment of its own: {said}" for ref, said in needs.items())


KINDS: dict[str, Callable[..., Handle]] = {
    "service": Service,
    "stream": Stream,
    "app": App,
    "learner": Learner,
    "run": Run,
}


def handle(running: Running, registry: Registry, found: Any, said: str = "", remark: str = "") -> Any:
    """The handle on a job or a schedule."""
    if found.name.startswith("schedule/"):
        return Schedule(running, registry, found, said)
    if found.lost:
        found = replace(
            found, state="starting", reason="its process has ended, and starts again while a supervisor runs"
        )
    return KINDS[found.name.partition("/")[0]](running, registry, found, said, remark)


class Handles(list[Any]):
    """Handles as a list: a table in a terminal."""

    def __init__(self, handles: list[Any], none: str = "", note: str = "") -> None:
        super().__init__(handles)
        self._none, self._note = none, note

    def __str__(self) -> str:
        return "\n\n".join(filter(None, [self._table() if self else self._none, self._note]))

    def _table(self) -> str:
        if all(isinstance(handle, Schedule) for handle in self):
            return "\n".join(str(handle).split("\n")[0] for handle in self)
        rows = [
            (
                h.name,
                f"{h.state}",
                text.seconds(max(0.0, time.time() - h.job.since)),
                " · ".join(filter(None, [h.job.reason.strip().partition("\n")[0], *h._brief()])),
            )
            for h in self
        ]
        return text.table(("name", "state", "since", ""), rows)

    __repr__ = __str__

    def to_json(self) -> list[dict[str, Any]]:
        return [handle.to_json() for handle in self]
