"""The verb `debug`: a logged request, asked again here under its version, stopping in the user's own line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import ModelFailed, NotFound, UsageError
from ..inference.predictor import is_users, user_line
from . import request_log

if TYPE_CHECKING:
    import pandas as pd

    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..inference.predictor import Predictor
    from .running import Running

_SKIPPED = ("workbench.*", "wb_*._wb*", "pandas.*", "numpy.*", "sklearn.*")
_SHOWN = 200


@dataclass(frozen=True)
class Replay:
    """A request that was asked again: `rows` as the model gets them, what was answered then (`logged`, None where it
    failed) and now (`answer`), and the exception with the user's line and the variables there, where it fails."""

    request: str
    version: str
    rows: pd.DataFrame
    logged: pd.DataFrame | None
    answer: pd.DataFrame | None
    error: BaseException | None = None
    where: str = ""
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def same(self) -> bool:
        """Whether it answers now what it answered then."""
        if self.logged is None or self.answer is None:
            return self.logged is None and self.answer is None
        return bool(self.logged.reset_index(drop=True).equals(self.answer.reset_index(drop=True)))

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
    log = request_log.requests(running, registry, name, None, None, None, None, failed=False, request=request)
    if log.empty:
        fix = f"%workbench requests {name} --last 20 shows those that are kept"
        raise NotFound(f"there is no request {request} in the log of {name}", fix=fix)
    version = registry.resolve(f"{request_log.model(running, name)}@{log['version'].iloc[0]}")
    predictor = version.predictor(registry.folder.parent)
    names = predictor.schema.names
    if log["row"].isna().any() or set(names) - set(log.columns):
        said = log["error"].iloc[0] or "some of its columns are not kept"
        raise UsageError(
            f"the rows of request {request} are not in the log: {said}", fix="ask it again, and debug that"
        )
    rows = log[names].reset_index(drop=True)
    return _replayed(predictor, version, request, rows, _logged(log, version))


def _logged(log: pd.DataFrame, version: ModelVersion) -> pd.DataFrame | None:
    names = [field["name"] for field in version.manifest.outputs["fields"]]
    known = [name for name in names if name in log.columns]
    return log[known] if known and log["status"].iloc[0] == 200 else None


def _replayed(
    predictor: Predictor, version: ModelVersion, request: str, rows: pd.DataFrame, logged: pd.DataFrame | None
) -> Replay:
    import pandas as pd

    try:
        if interactive():
            _debugger().runcall(predictor.predict, rows)
        answer = pd.DataFrame(dict(predictor.predict(rows)))
    except ModelFailed as error:
        cause = error.__cause__ or error
        trace = _to_user_line(cause.__traceback__)
        if trace and interactive():
            _stop_at(trace)
        variables = _variables(trace) if trace else ()
        where = user_line(cause.__traceback__) or ""
        return Replay(request, version.ref, rows, logged, None, cause, where, variables)
    return Replay(request, version.ref, rows, logged, answer)


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
