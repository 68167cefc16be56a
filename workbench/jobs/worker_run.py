"""A run: a store is scored or a notebook is run, once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import journal, paths
from ..bundle import registries
from ..engines import known
from ..errors import JobFailed, WorkbenchError
from ..patterns.batch.arrived import for_cause, parameters
from ..patterns.control import LOOK

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion
    from ..patterns.batch.crew import Crew
    from ..patterns.batch.increment import New
    from ..patterns.control import Control
    from .context import Context
    from .record import Order

_BEAT = 0.5
_FIRST, _LONGEST = 0.5, 30.0  # seconds before a notebook is tried again
AHEAD: list[Any] = []
"""The kernel that was started before anybody knew for which run."""
Work = Callable[..., Any]


def run(context: Context) -> None:
    """The life of a run. It ends as `done`, `failed`, or stopped, to be resumed; where a cell of a notebook has raised,
    it waits for a while with its kernel, in which it can go on."""
    spec = for_cause(context.job.spec)
    result = _tried(context, spec)
    while result.state == "failed" and (held := getattr(result, "held", None)):
        resumed = _waited(context, str(_failure(context, result)), spec["hold"])
        if resumed is None:
            held.kernel.end()
            break
        context.answer(resumed)
        result = _once(context, spec, held=held)
    if result.state == "failed":
        raise _failure(context, result)
    if result.state == "done":
        context.state("done")


def _tried(context: Context, spec: dict[str, Any]) -> Any:
    """A notebook that fails is run again, from its first cell in a new kernel, as often as was asked for; of a sweep
    the points that failed."""
    result = _once(context, spec)
    for tries in range((spec.get("retries") or 0) if spec["what"] != "score" else 0):
        if result.state != "failed" or _waits(context, min(_LONGEST, _FIRST * 2**tries)):
            break
        if held := getattr(result, "held", None):
            held.kernel.end()
        context.facts(tried=tries + 2, waits=None)
        result = _once(context, spec)
    return result


def _waits(context: Context, seconds: float) -> bool:
    """Let that time go by; whether it was told to stop meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not context.stopping():
        time.sleep(LOOK)
    return context.stopping()


def _once(context: Context, spec: dict[str, Any], **more: Any) -> Any:
    work = _WORK[spec["what"]](context, spec)
    context.state("ready")
    with _beating(context) as control:
        result = work(control=control, **more)
    waits = time.time() + spec["hold"] if getattr(result, "held", None) else None
    context.facts(**result.to_json(), waits=waits)
    return result


def _failure(context: Context, result: Any) -> JobFailed:
    return JobFailed(str(result), where=result.output, fix=f"%workbench resume {context.name}")


def _waited(context: Context, reason: str, seconds: float) -> Order | None:
    """It has failed; whether somebody has it go on before the time is up."""
    context.state("failed", reason)
    end = time.monotonic() + seconds
    while time.monotonic() < end and not context.stopping():
        if resumed := [order for order in context.orders() if order.do == "resume"]:
            return resumed[0]
        time.sleep(LOOK)
    context.facts(waits=None)
    return None


class _Steered:
    """The context as one thread at a time has it."""

    def __init__(self, context: Context) -> None:
        self._context, self._lock = context, threading.Lock()

    def stopping(self) -> bool:
        with self._lock:
            return self._context.stopping()

    def paused(self) -> bool:
        with self._lock:
            return self._context.paused()

    def facts(self, **facts: Any) -> None:
        with self._lock:
            self._context.facts(**facts)

    def state(self, state: str, reason: str = "") -> None:
        with self._lock:
            self._context.state(state, reason)

    def tick(self) -> None:
        with self._lock:
            self._context.tick()


@contextmanager
def _beating(context: Context) -> Iterator[Control]:
    """A control whose last facts are told, and whose log is rotated, while a chunk or a cell takes long."""
    control, over = _Steered(context), threading.Event()

    def beat() -> None:
        while not over.wait(_BEAT):
            try:
                control.tick()
            except WorkbenchError as error:  # a full disk ends a run where it writes, not here
                journal.note(error)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield control
    finally:
        over.set()
        thread.join()


def _scoring(context: Context, spec: dict[str, Any]) -> Work:
    """The model is loaded before there are threads, which a fork of this process must not have."""
    from ..inference.schema import Schema
    from ..patterns.batch.scoring import How, score

    version = registries.of(context.home).resolve(spec["model"])
    context.facts(version=version.ref)
    again = context.job.restarts > 0  # the attempt before ended without a word: a row may have ended it
    predictor = version.predictor(context.home, own=spec.get("env") == "own", apart=again)
    crew = _crew(context, spec, version, again=again)
    keep = spec.get("keep")
    how = How(
        spec["max_rejects"],
        mode=spec.get("mode", "replace" if spec.get("replace") else None),  # a spec of an older Workbench
        partition=tuple(spec["partition"] or ()),
        keep=None if keep is None else tuple(keep),
        retries=spec.get("retries") or 0,
        new=_new(context, spec, version.name),
    )
    outputs, ledger = Schema.from_json(version.manifest.outputs), context.folder / "ledger.db"
    way = (spec["input"], spec["output"], how)
    return partial(score, predictor, *way, ledger=ledger, name=version.ref, outputs=outputs, crew=crew)


def _new(context: Context, spec: dict[str, Any], model: str) -> New | None:
    from ..patterns.batch.increment import New

    if spec.get("new") is None:
        return None
    return New.of(paths.state(context.home) / "scored", model, spec["input"], spec["output"], spec["new"])


def _crew(context: Context, spec: dict[str, Any], version: ModelVersion, *, again: bool) -> Crew | None:
    """Processes of their own: those of an engine, or here where there are to be several, or one that may take too
    long. Where an attempt before ended without a word, rows may end those of this machine."""
    from ..patterns.batch.crew import Bundle, Crew
    from ..patterns.batch.processes import Processes

    count, timeout, engine = spec.get("workers"), spec.get("timeout"), spec.get("engine")
    if not engine and (count or 1) == 1 and timeout is None:
        return None
    context.store.database.close()  # which the forks must not have
    bundle = Bundle(version.folder, version.ref, context.home, own=spec.get("env") == "own")
    retries = spec.get("retries") or 0
    if engine:
        crew: Crew = known.part(engine, "score").crew(bundle, count, timeout=timeout, retries=retries)
    else:
        crew = Crew(Processes(bundle), count or 1, timeout=timeout, retries=retries, apart=again)
    context.facts(**crew.facts)
    return crew


def _notebook(context: Context, spec: dict[str, Any]) -> Work:
    from ..patterns.batch.kernel import Kernel
    from ..patterns.batch.notebook import run_notebook
    from ..patterns.batch.outcome import Page

    notebook, page, address = Path(spec["notebook"]), spec.get("page"), paths.mlflow()
    start = partial(Kernel, _folder(spec), context.folder, spec.get("kernel"))
    work = partial(
        run_notebook,
        notebook,
        Path(spec["output"] or context.folder / notebook.name),
        spec["parameters"],
        given=_snapshot(context, spec),
        times=_times(spec),
        scratch=context.folder,
        start=AHEAD.pop if AHEAD and not address else start,  # whose variables are those of another run
        hold=bool(spec.get("hold")),
        keep=context.folder / "results",
        page=Page(Path(page["file"]), page["code"]) if page else None,
    )
    return _kept(context, spec, work)


def _folder(spec: dict[str, Any]) -> Path:
    """Where the cells of a notebook run."""
    return Path(spec.get("folder") or Path(spec["notebook"]).parent)


def _kept(context: Context, spec: dict[str, Any], work: Work) -> Work:
    """The work, which MLflow keeps too where it is the registry."""
    if not (address := paths.mlflow()):
        return work
    from .worker_mlflow import kept

    return kept(work, address, context.name, spec)


def _calling(context: Context, spec: dict[str, Any]) -> Work:
    """What is above the jobs says by its name what it wants to be called: `module:function`."""
    module, _, name = spec["calls"].partition(":")
    return partial(getattr(import_module(module), name), context.home, spec)


def _sweep(context: Context, spec: dict[str, Any]) -> Work:
    from ..patterns.batch.sweep import Sweep, run_sweep

    told = parameters(spec)
    points = [point | told for point in spec["points"]]
    place = (_folder(spec), spec.get("kernel"))
    sweep = Sweep(Path(spec["notebook"]), points, spec["at_once"], spec["best"] or "", _times(spec), *place)
    output, elsewhere = Path(spec["output"] or context.folder / "runs"), None
    if engine := spec.get("engine"):
        elsewhere = known.part(engine, "sweep").Points()
        context.facts(engine=str(elsewhere.cluster))
    given = _snapshot(context, spec)
    work = partial(run_sweep, sweep, output, given=given, scratch=context.folder, elsewhere=elsewhere)
    return _kept(context, spec, work)


def _snapshot(context: Context, spec: dict[str, Any]) -> Path:
    """The notebook as it is now, kept beside the log, or as the run was given it that is run again."""
    from ..patterns.batch.snapshot import keep

    return keep(Path(spec.get("snapshot") or spec["notebook"]), context.folder)


def _times(spec: dict[str, Any]) -> Any:
    from ..patterns.batch.outcome import Times

    return Times(spec["timeout"], spec.get("limit"))


_WORK = {"score": _scoring, "notebook": _notebook, "sweep": _sweep, "call": _calling}
