"""An estimator that answers and learns one row at a time, as those of river do -> one that is asked as others are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class OneByOne:
    """Asks an estimator with `predict_one`, and teaches one with `learn_one`, row by row; a row is a dict by column,
    of an array by number."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def predict(self, rows: Any) -> list[Any]:
        return [self.estimator.predict_one(row) for row in _records(rows)]

    def learn(self, rows: Any, outcomes: Any) -> None:
        for row, outcome in zip(_records(rows), outcomes, strict=True):
            self.estimator.learn_one(row, outcome)


def predicting(thing: Any) -> Callable[[Any], Any] | None:
    """The `predict` of an object, or one by its `predict_one`; None where it has neither."""
    if callable(found := getattr(thing, "predict", None)):
        return found  # type: ignore[no-any-return]
    single = not isinstance(thing, type) and callable(getattr(thing, "predict_one", None))
    return OneByOne(thing).predict if single else None


def _records(rows: Any) -> Iterator[dict[Any, Any]]:
    if hasattr(rows, "to_dict"):
        yield from rows.to_dict("records")
    else:
        yield from (dict(enumerate(row)) for row in rows.tolist())
