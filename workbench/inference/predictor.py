"""A model's function and its schema -> `predict(table) -> table`, the only inference path."""

from __future__ import annotations

import asyncio
import inspect
import linecache
import sysconfig
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import ModelFailed
from .answer import answer_table

if TYPE_CHECKING:
    from .fields import Table
    from .schema import Schema

_OURS = str(Path(__file__).parent.parent)
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} - {None})
_TRY = "call it in a notebook with the rows that it gets here"


class Predictor:
    """A loaded model: named columns in, named columns out, each with one value per row.

    `name` is what errors call it; `row_wise` says that the answer to a row does not depend on the others.
    """

    def __init__(
        self, function: Callable[[Any], Any], schema: Schema, *, name: str = "", row_wise: bool = False
    ) -> None:
        self.function, self.schema, self.name, self.row_wise = function, schema, name, row_wise

    def __repr__(self) -> str:
        return f"Predictor({self.name or 'model'}, {self.schema.kind} of {', '.join(self.schema.names)})"

    def predict(self, data: Any) -> Table:
        """The answer to the rows of `data`: a table, or whatever `Schema.table` reads.

        Raises BadInput for rows that the model cannot take, and ModelFailed where its own code fails.
        """
        table = self.schema.table(data)
        theirs = data is table or hasattr(data, "keys") or hasattr(data, "dtype")
        returned = self.call(self.schema.build(table, owned=not theirs))
        return answer_table(returned, self.schema.rows(table), name=self.name or "predict")

    def call(self, given: Any) -> Any:
        """What the model's function returns for a frame, array or dict of arrays as it is, awaited if need be."""
        try:
            returned = self.function(given)
            return finished(returned) if inspect.iscoroutine(returned) else returned
        except (Exception, SystemExit) as error:
            raise failed(self.name or "the model", error) from error


def entry_function(entry: Any, kind: str) -> Callable[[Any], Any]:
    """What answers, of a captured entry: a `function` itself, the `predict` of a `class` (made, and loaded where
    it has `load`) or of an `estimator`. Raises ModelFailed where that fails or there is none."""
    if kind == "function":
        return _callable(entry, entry, "can be called")
    if kind == "class":
        entry = _made(entry)
    return _callable(getattr(entry, "predict", None), entry, "has a `predict`")


def _callable(function: Any, entry: Any, must: str) -> Callable[[Any], Any]:
    if callable(function):
        return function  # type: ignore[no-any-return]
    raise ModelFailed(
        f"{type(entry).__name__} is no model: nothing {must}", fix="give a function, or an object with `predict`"
    )


def _made(entry: Any) -> Any:
    try:
        made = entry()
        if callable(load := getattr(made, "load", None)):
            loaded = load()
            if inspect.iscoroutine(loaded):
                finished(loaded)
        return made
    except (Exception, SystemExit) as error:
        raise failed(getattr(entry, "__name__", "the model"), error) from error


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of an `async def`; in a thread of its own where an event loop runs already, as in notebooks."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def failed(name: str, error: BaseException) -> ModelFailed:
    """The model's exception in words, with the line of the user's own code that raised it."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    where = user_line(error.__traceback__)
    fix = "give rows that it can take, or correct that line and run its cell again" if where else _TRY
    return ModelFailed(f"{name} failed: {said}", where=where, fix=fix)


def user_line(trace: TracebackType | None) -> str | None:
    """`model.py line 12, in prepare: frame["age"]`: the last line that belongs to no installed package."""
    found = None
    while trace:
        file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        if _is_users(file):
            text = linecache.getline(file, line).strip()
            found = f"{_place(file)} line {line}, in {trace.tb_frame.f_code.co_name}" + (f": {text}" if text else "")
        trace = trace.tb_next
    return found


def _is_users(file: str) -> bool:
    if file.startswith("<"):
        return file.startswith("<ipython-input")
    return "site-packages" not in file and not file.startswith((_OURS, *_INSTALLED))


def _place(file: str) -> str:
    if "ipykernel" in file or file.startswith("<ipython-input"):
        return "the cell,"
    return f"{Path(file).name},"
