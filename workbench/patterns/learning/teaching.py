"""Records that hold rows and what became of them -> a model that has learned them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from ...errors import BadInput, UsageError, WorkbenchError
from ...inference.awaiting import finished
from ...inference.predictor import failed
from ...inference.surroundings import method

if TYPE_CHECKING:
    from ...data.log import Record
    from ...inference.fields import Table
    from ...inference.predictor import Predictor

_FIX = "capture a class `Model` with `predict` and `learn(frame, target)`, or an estimator with `partial_fit`"


@dataclass
class Examples:
    """Rows for a model, what became of each, and the records that they came in; `refused` are those that are no
    examples, with the reason."""

    table: Table
    outcomes: Any
    records: list[Record]
    refused: list[tuple[Record, str]] = field(default_factory=list)


class Teacher:
    """Teaches one model. UsageError for a model that cannot learn."""

    def __init__(self, predictor: Predictor, target: str) -> None:
        self.predictor, self.target = predictor, target
        self._learn = _learning(predictor)

    def read(self, records: Sequence[Record]) -> Examples:
        """The examples in these records; those that are none are refused, each alone."""
        said, refused = [], []
        for record in records:
            try:
                said.append((record, *self._read(record)))
            except ValueError as error:
                refused.append((record, str(error)))
        table = self._table(said) if said else None
        if table is None:
            said, refused = self._apart(said, refused)
            table = self._table(said) if said else {}
        assert table is not None
        return Examples(table, _array([outcome for *_, outcome in said]), [record for record, *_ in said], refused)

    def _read(self, record: Record) -> tuple[dict[str, Any], Any]:
        row = orjson.loads(record.value)
        if not isinstance(row, dict):
            raise ValueError("no record of columns")
        outcome = row.pop(self.target, None)
        if outcome is None:
            raise ValueError(f"it has no {self.target!r}, which is to be learned")
        return row, outcome

    def _table(self, said: list[Any]) -> Table | None:
        """The rows of all of them; None where one does not fit."""
        try:
            return self.predictor.schema.table([row for _, row, _ in said])
        except BadInput:
            return None

    def _apart(self, said: list[Any], refused: list[Any]) -> tuple[list[Any], list[Any]]:
        kept = []
        for one in said:
            try:
                self.predictor.schema.table([one[1]])
            except BadInput as error:
                refused.append((one[0], error.what))
            else:
                kept.append(one)
        return kept, refused

    def learn(self, examples: Examples) -> None:
        """Teach them all at once. ModelFailed where the model's own code fails."""
        try:
            said = self._learn(self.predictor.schema.build(examples.table), examples.outcomes)
            if inspect.iscoroutine(said):
                finished(said)
        except WorkbenchError:
            raise
        except (Exception, SystemExit) as error:
            raise failed(f"`learn` of {self.predictor.name}", error) from error


def _learning(predictor: Predictor) -> Callable[[Any, Any], Any]:
    for name, teach in (("learn", _with_series), ("partial_fit", _plain), ("learn_many", _with_series)):
        if found := method(predictor.function, name):
            return teach(found)
    raise UsageError(f"{predictor.name} cannot learn: it has no `learn`", fix=_FIX)


def _with_series(learn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def teach(rows: Any, outcomes: Any) -> Any:
        import pandas as pd

        return learn(rows, pd.Series(outcomes))

    return teach


def _plain(learn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return learn


def _array(values: list[Any]) -> Any:
    """Numbers as numbers; all else as it is."""
    import pandas as pd

    return pd.Series(values, dtype=None if values else float).to_numpy() if values else np.empty(0)
