"""A model's function and its schema -> `predict(table) -> table`, the only inference path."""

from __future__ import annotations

import inspect
import linecache
import sysconfig
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, GeneratorType, TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import ModelFailed
from . import parts
from .answer import answer_table
from .awaiting import finished
from .one_by_one import predicting

if TYPE_CHECKING:
    from .fields import Table
    from .schema import Schema

_OURS = str(Path(__file__).parent.parent)
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} - {None})
_LATER = frozenset((AsyncGeneratorType, CoroutineType, GeneratorType))
_TRY = "call it in a notebook with the rows that it gets here"


class Predictor:
    """A loaded model: named columns in, named columns out, each with one value per row.

    `name` is what errors call it; `row_wise` says that the answer to a row does not depend on the others.
    """

    def __init__(
        self, function: Callable[[Any], Any], schema: Schema, *, name: str = "", row_wise: bool = False
    ) -> None:
        self.function, self.schema, self.name, self.row_wise = function, schema, name, row_wise
        self.awaits = self.yields = False  # until it was seen to

    def __repr__(self) -> str:
        return f"Predictor({self.name or 'model'}, {self.schema.kind} of {', '.join(self.schema.names)})"

    def predict(self, data: Any, *, owned: bool = False) -> Table:
        """The answer to the rows of `data`: a table, or whatever `Schema.table` reads. Of an `owned` table, which
        nobody reads afterwards, the model may be given the very arrays.

        Raises BadInput for rows that the model cannot take, and ModelFailed where its own code fails.
        """
        given, rows = self._given(data, owned=owned)
        return answer_table(self.call(given), rows, name=self.name or "predict")

    def _given(self, data: Any, *, owned: bool = False) -> tuple[Any, int]:
        """What the model's function is given for these rows, and how many they are."""
        table = self.schema.table(data)
        theirs = data is table or hasattr(data, "keys") or hasattr(data, "dtype")
        return self.schema.build(table, owned=owned or not theirs), self.schema.rows(table)

    def call(self, given: Any) -> Any:
        """What the model's function returns for a frame, array or dict of arrays as it is, awaited and put together if
        need be."""
        try:
            returned = self._called(given)
            return _now(returned) if type(returned) in _LATER else returned
        except (Exception, SystemExit) as error:
            raise failed(self.name or "the model", error) from error

    def _called(self, given: Any) -> Any:
        returned = self.function(given)
        if (kind := type(returned)) in _LATER:
            self.awaits = self.awaits or kind is not GeneratorType
            self.yields = self.yields or kind is not CoroutineType
        return returned

    async def awaited(self, data: Any) -> Table:
        """As `predict`, on the loop of `awaiting`, where others are awaited meanwhile."""
        given, rows = self._given(data)
        with self._in_words():
            returned = self._called(given)
            if inspect.isasyncgen(returned):
                returned = parts.together([parts.rows(part) async for part in returned])
            returned = await returned if inspect.iscoroutine(returned) else returned
        return answer_table(returned, rows, name=self.name or "predict")

    def parts(self, data: Any) -> Generator[Table, None, None]:
        """As `predict`, but in parts as the model yields them; in one where it yields none. A table without columns is
        no answer: a model yields nothing to let others have their turn. Raises as it does, and ModelFailed at the end
        where there were fewer answers than rows, or more."""
        given, rows = self._given(data)
        told = _Told(self.name or "predict", rows)
        with self._in_words():
            returned = self._called(given)
            if not parts.yields(returned):
                yield told.table(finished(returned) if inspect.iscoroutine(returned) else returned, rows)
                return
            for part in parts.each(returned):
                yield told.table(part, len(part)) if len(part) else {}
        told.check()

    async def awaited_parts(self, data: Any) -> AsyncGenerator[Table, None]:
        """As `parts`, on the loop of `awaiting`."""
        given, rows = self._given(data)
        told = _Told(self.name or "predict", rows)
        with self._in_words():
            returned = self._called(given)
            if not inspect.isasyncgen(returned):
                yield told.table(await returned if inspect.iscoroutine(returned) else returned, rows)
                return
            async with aclosing(returned):
                async for part in returned:
                    found = parts.rows(part)
                    yield told.table(found, len(found)) if len(found) else {}
        told.check()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """ModelFailed for what the model raises."""
        try:
            yield
        except ModelFailed:
            raise
        except (Exception, SystemExit) as error:
            raise failed(self.name or "the model", error) from error


def _now(returned: Any) -> Any:
    """What was returned to be had later, whole."""
    return parts.together(list(parts.each(returned))) if parts.yields(returned) else finished(returned)


class _Told:
    """How many of a question's rows a model has answered so far, in parts."""

    def __init__(self, name: str, rows: int) -> None:
        self.name, self.rows, self.answered = name, rows, 0

    def table(self, part: Any, rows: int) -> Table:
        """The answers to the next rows."""
        self.answered += rows
        return answer_table(part, rows, name=self.name)

    def check(self) -> None:
        """ModelFailed unless each row has one."""
        if self.answered != self.rows:
            what = f"{self.name} yielded {self.answered} answers for {self.rows} rows"
            raise ModelFailed(what, fix="yield one for each row")


def entry_function(entry: Any, kind: str, learned: dict[str, Any] | None = None) -> Callable[[Any], Any]:
    """What answers, of a captured entry: a `function` itself, the `predict` of a `class` (made, loaded where it has
    `load`, and given what it had `learned`) or of an `estimator`. Raises ModelFailed where that fails or there is
    none."""
    if kind == "function":
        return _callable(entry, entry, "can be called")
    if kind == "class":
        entry = _made(entry)
        vars(entry).update(learned or {})
    return _callable(predicting(entry), entry, "has a `predict`")


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
        if is_users(file):
            text = linecache.getline(file, line).strip()
            found = f"{_place(file)} line {line}, in {trace.tb_frame.f_code.co_name}" + (f": {text}" if text else "")
        trace = trace.tb_next
    return found


def is_users(file: str) -> bool:
    """Whether a file of code belongs to no installed package."""
    if file.startswith("<"):
        return file.startswith("<ipython-input")
    return "site-packages" not in file and not file.startswith((_OURS, *_INSTALLED))


def _place(file: str) -> str:
    if "ipykernel" in file or file.startswith("<ipython-input"):
        return "the cell,"
    return f"{Path(file).name},"
