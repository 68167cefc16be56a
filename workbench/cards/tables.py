"""What there is in a home -> the rows of a table, a page at a time: models, deployments, runs or schedules."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import text
from ..bundle.version import proof
from ..operations import figures, kinds
from ..operations.judged import Judged
from ..operations.running import DEPLOYED
from ..operations.schedules import runs_what, waits_for
from .jobs import roughly
from .markup import button, el, escape

if TYPE_CHECKING:
    from ..api import Workbench

PAGE = 20
DRIFTED = "drifted"
"""Of the states that one may look for, the one that no job has."""
_MOST = 1000
Cells = list[str]


@dataclass(frozen=True)
class View:
    """What is looked at: a kind of thing, by a text in its name or model and by state, after so many to `skip`."""

    kind: str = "deployments"
    text: str = ""
    state: str = ""
    skip: int = 0


@dataclass(frozen=True)
class Table:
    """The rows of a page, and how many there are on all pages."""

    head: Cells
    rows: list[Cells]
    total: int


def deployments(api: Workbench, view: View) -> Table:
    """Services, streams, apps and learners: state, version, what they do now."""
    found, total = _jobs(api, view, *DEPLOYED)
    rows = [[_name(h.name), _state(h), escape(str(h.facts.get("version", ""))), _now(h), _why(h)] for h in found]
    return Table(["name", "state", "version", "now", ""], rows, total)


def runs(api: Workbench, view: View) -> Table:
    """Runs: state, what they work on, how far they are, and since when."""
    found, total = _jobs(api, view, "run")
    rows = [[_name(h.name), _state(h), _what(h), _done(h), _ago(h.job.created), _why(h)] for h in found]
    return Table(["name", "state", "of", "done", "begun", ""], rows, total)


def schedules(api: Workbench, view: View) -> Table:
    """Schedules: what starts which runs, and when the next one is due."""
    plans = [p for p in api.running.schedules() if view.text in p.name and view.state in ("", _paused(p))]
    rows = [
        [_name(p.name), _pill(_paused(p)), escape(waits_for(p)), escape(runs_what(p)), _due(p)]
        for p in plans[view.skip : view.skip + PAGE]
    ]
    return Table(["name", "state", "starts", "runs", "next run"], rows, len(plans))


def models(api: Workbench, view: View) -> Table:
    """The newest version of each model: what is proven of it, and which one is live."""
    names = [name for name in api.registry.names() if view.text in name]
    rows = [_model(api, name) for name in names[view.skip : view.skip + PAGE]]
    return Table(["newest", "", "live", "captured", "note"], rows, len(names))


def judged(api: Workbench, view: View) -> Table:
    """Services and streams: what was found last of their drift and quality, what has drifted first."""
    store, state = api.running.store, view.state if view.state != DRIFTED else ""
    found = store.page("service", "stream", state=state or None, text=view.text, most=_MOST) if api.running.any else []
    seen = [(job, Judged.of(store.job_folder(job.name))) for job in found]
    seen = [one for one in seen if one[1].drifted or view.state != DRIFTED]
    seen.sort(key=lambda one: (not one[1].drifted, -one[1].at))
    rows = [_judged(job, said) for job, said in seen[view.skip : view.skip + PAGE]]
    return Table(["name", "version", "drift", "quality", "looked at", ""], rows, len(seen))


def _judged(job: Any, said: Judged) -> Cells:
    version = str(job.facts.get("version") or "")
    drift = said.drift_words()
    shown = _pill("failed" if said.drifted else "ready", drift.lstrip("✗✓ ")) if drift[:1] in ("✗", "✓") else drift
    look = button("Look now", "drift", name=job.name) if job.spec.get("log") else ""
    at = _ago(said.at) if said.at else el("span", "never", cls="wb-soft")
    return [_name(job.name), escape(version), shown, escape(said.quality_words(version)), at, look]


TABLES = {
    "deployments": deployments,
    "runs": runs,
    "schedules": schedules,
    "models": models,
    "drift and quality": judged,
}


def _jobs(api: Workbench, view: View, *of: str) -> tuple[list[Any], int]:
    if not api.running.any:
        return [], 0
    store = api.running.store
    jobs = store.page(*of, state=view.state or None, text=view.text, most=PAGE, skip=view.skip)
    counts = store.counts(*of, text=view.text)
    found = [kinds.handle(api.running, api.registry, job) for job in jobs]
    return found, counts[view.state] if view.state else sum(counts.values())


def _model(api: Workbench, name: str) -> Cells:
    newest = api.registry.versions(name)[-1]
    live = api.registry.aliases(name).get("live")
    if not newest.readable:
        return [_name(newest.ref), _pill("failed", "damaged"), "", "", ""]
    proven = _pill("ready", "proven") if newest.proven else _pill("failed", "not proven")
    created = str(newest.manifest.origin.get("created") or "")[:16].replace("T", " ")
    told = el("span", proven, title=proof(newest.manifest))
    return [_name(newest.ref), told, escape(f"{name}@{live}") if live else "", escape(created), escape(newest.note)]


def _name(name: str) -> str:
    """A name that opens the card of the thing."""
    shown = el("code", escape(name))
    return el("button", shown, type="button", cls="wb-link", data_do="show", data_args={"name": name})


def _pill(state: str, said: str = "") -> str:
    return el("span", said or state, cls=f"wb-state wb-{state}")


def _state(handle: Any) -> str:
    since = max(0.0, time.time() - handle.job.since)
    return _pill(handle.state) + " " + el("span", roughly(since), cls="wb-since")


def _now(handle: Any) -> str:
    """What a deployment does, in a few numbers."""
    if handle.job.over:
        return ""
    if handle.name.startswith("stream/"):
        told = {"lag": handle.facts.get("lag"), "records": handle.facts.get("records")}
        return escape(" · ".join(f"{key} {text.count(value)}" for key, value in told.items() if value is not None))
    if handle.name.startswith("learner/"):
        return escape(text.count(int(handle.facts.get("examples") or 0), "example"))
    if handle.name.startswith("app/"):
        return escape(text.count(int(handle.facts.get("using") or 0), "visitor"))
    seen = figures.of_service(handle.job)
    if not seen.get("requests"):
        return "no requests yet"
    rate = (seen.get("lately") or {}).get("rate", 0.0)
    p99 = f"p99 {text.milliseconds(seen['p99'])} ms" if seen.get("p99") else ""
    failed = f"{text.count(seen['failures'])} failed" if seen["failures"] else ""
    return escape(" · ".join(filter(None, [f"{rate:.3g}/s", p99, failed])))


def _what(handle: Any) -> str:
    spec = handle.job.spec
    return escape(str(spec.get("model") or str(spec.get("notebook", "")).rpartition("/")[2]))


def _done(handle: Any) -> str:
    return escape(figures.progress(handle.facts, over=handle.state == "done"))


def _why(handle: Any) -> str:
    return escape(handle.job.reason.strip().partition("\n")[0])


def _ago(when: float) -> str:
    return f"{roughly(max(0.0, time.time() - when))} ago"


def _paused(plan: Any) -> str:
    return "paused" if plan.paused else "ready"


def _due(plan: Any) -> str:
    """When the next run is due, and how soon that is; of what waits for something, that it does."""
    if plan.paused:
        return ""
    if plan.next_due is None:
        return "when that comes"
    soon = roughly(max(0.0, plan.next_due - time.time()))
    return escape(f"{figures.moment(plan.next_due, plan.zone)}, in {soon}")
