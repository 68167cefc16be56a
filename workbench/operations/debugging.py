"""The verb `debug`: a logged request, asked again here under its version, stopping in the user's own line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .. import text
from ..bundle.equal import difference
from ..errors import BadInput, ModelFailed, NotFound, UsageError
from ..inference.predictor import is_users, user_line
from ..inference.schema import Schema
from ..monitoring import asked
from . import request_log

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..inference.fields import Table
    from ..inference.predictor import Predictor
    from ..monitoring.asked import Logged
    from .running import Running

_SKIPPED = ("workbench.*", "wb_*._wb*", "pandas.*", "numpy.*", "sklearn.*")
_SHOWN = 200


@dataclass(frozen=True)
class Replay:
    """A request that was asked again: `rows` as the model gets them, what was answered then (`logged`, None where it
    failed) and now (`answer`), whether that is the `same` (within the tolerance: others may have shared its batch),
    and the exception with the user's line and the variables there, where it fails."""

    request: str
    version: str
    rows: pd.DataFrame
    logged: pd.DataFrame | None
    answer: pd.DataFrame | None
    same: bool
    error: BaseException | None = None
    where: str = ""
    variables: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.version} · request {self.request} · {text.count(len(self.rows), 'row')} · {self._became()}"]
        if self.error is not None:
            lines.append(f"  error  {type(self.error).__name__}: {self.error}")
        lines += [f"  where  {self.where}"] if self.where else []
        lines += [f"  there  {name} = {value}" for name, value in self.variables]
        return "\n".join(lines)

    __repr__ = __str__

    def _became(self) -> str:
        then = "failed then" if self.logged is None else "answered then"
        if self.same:
            return f"{then}, and the same now"
        now = "fails now" if self.answer is None else "answers now" if self.logged is None else "answers otherwise now"
        return f"{then}, {now}"

    def to_json(self) -> dict[str, Any]:
        made = {"request": self.request, "version": self.version, "same": self.same, "where": self.where}
        error = None if self.error is None else f"{type(self.error).__name__}: {self.error}"
        return made | {"rows": self.rows.to_dict("records"), "error": error, "variables": dict(self.variables)}


def debug(running: Running, registry: Registry, name: str, request: str) -> Replay:
    """Ask a logged request again. Where somebody can answer, a debugger stops in the model's first line, or where it
    raises. NotFound for a request that is not in the log; UsageError where its rows are not."""
    own = request_log.model(running, name)
    logged = asked.one(request_log.kept_in(running, name), own, registry, request)
    if logged is None:
        fix = f"%workbench requests {name} --last 20 shows those that are kept"
        raise NotFound(f"there is no request {request} in the log of {name}", fix=fix)
    version = registry.resolve(f"{own}@{logged.version}")
    predictor = version.predictor(running.home)
    digests = [each for each in request_log.hashed(running, name) if each in predictor.schema.names]
    return _replayed(predictor, version, request, _rows(logged, request, predictor.schema.names, digests), logged)


def _rows(logged: Logged, request: str, names: list[str], digests: list[str]) -> pa.Table:
    """What was asked. UsageError where the log does not have all of it."""
    there = logged.asked.column_names if logged.asked is not None else []
    if logged.asked is not None and set(names) <= set(there) and not digests:
        return logged.asked.select(names)
    of_digests = f"of {', '.join(digests)} only digests are kept" if digests else "some of its columns are not kept"
    why = (logged.error if logged.asked is None else "") or of_digests
    raise UsageError(f"the rows of request {request} are not in the log: {why}", fix="ask it again, and debug that")


def _replayed(predictor: Predictor, version: ModelVersion, request: str, rows: pa.Table, logged: Logged) -> Replay:
    about = request, version.ref, rows.to_pandas()
    then = None if logged.answered is None else logged.answered.to_pandas()
    try:
        if interactive():
            _debugger().runcall(predictor.predict, rows)
        answer = predictor.predict(rows)
    except ModelFailed as error:
        cause = error.__cause__ or error
        trace = _to_user_line(cause.__traceback__)
        if trace and interactive():
            _stop_at(trace)
        variables = _variables(trace) if trace else ()
        where = user_line(cause.__traceback__) or ""
        return Replay(*about, then, None, logged.answered is None, cause, where, variables)
    except BadInput as error:
        return Replay(*about, then, None, logged.answered is None, error)
    return Replay(*about, then, _frame(answer), _is_same(answer, logged, version))


def _frame(answer: Table) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: values if values.ndim == 1 else list(values) for name, values in answer.items()})


def _is_same(answer: Table, logged: Logged, version: ModelVersion) -> bool:
    """Within the tolerance: it may have been answered in a batch with others."""
    if logged.answered is None:
        return False
    outputs = Schema.from_json(version.manifest.outputs)
    try:
        kept = outputs.table(logged.answered)
        now = outputs.table({name: values for name, values in answer.items() if name in kept})
    except BadInput:  # the log has not all of it, or the model answers otherwise than its reference
        names = [name for name in logged.answered.column_names if name in answer]
        then, asked_now = logged.answered.select(names).to_pandas(), _frame(answer)[names]
        return bool(names) and then.astype(str).equals(asked_now.astype(str))
    return not difference(kept, now, exact=False)


def interactive() -> bool:
    """Whether somebody can answer a debugger: a terminal, or a notebook whose front end takes input."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        return bool(getattr(kernel, "_allow_stdin", False))
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _debugger() -> Any:
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        from IPython.core.debugger import Pdb

        return Pdb(skip=list(_SKIPPED))
    import pdb

    return pdb.Pdb(skip=list(_SKIPPED))


def _stop_at(trace: TracebackType) -> None:
    debugger = _debugger()
    debugger.reset()
    debugger.interaction(None, trace)


def _to_user_line(trace: TracebackType | None) -> TracebackType | None:
    """The traceback, ended at the last line that is the user's own."""
    frames = []
    while trace:
        frames.append(trace)
        trace = trace.tb_next
    while frames and not is_users(frames[-1].tb_frame.f_code.co_filename):
        frames.pop()
    ended = None
    for one in reversed(frames):
        ended = TracebackType(ended, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return ended


def _variables(trace: TracebackType) -> tuple[tuple[str, str], ...]:
    while trace.tb_next:
        trace = trace.tb_next
    return tuple((name, _short(value)) for name, value in trace.tb_frame.f_locals.items() if not name.startswith("__"))


def _short(value: Any) -> str:
    said = " ".join(repr(value).split())
    return said if len(said) <= _SHOWN else f"{said[: _SHOWN - 1]}…"
