"""A model, its rows and a reference -> what explains its answers: the model itself, SHAP, or our own sampling."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bundle.tables import Table, n_rows, take
from ..errors import ModelFailed, UsageError
from ..inference.awaiting import finished
from ..inference.predictor import failed
from ..inference.surroundings import method
from . import shapley

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion
    from ..inference.predictor import Predictor

_FIX = "return a frame or 2-D array with a row for each row and a column for each of the model's, and `base` if it can"
BASE = "base"


@dataclass(frozen=True)
class Explained:
    """What explains the answers to some rows: `answers` as the model gave them in its column `answer`; for each row a
    `base` and `contributions` by column, which add up to what is `scored`: the answer, or the share of reference rows
    that are answered the same where it is a label. `method` says in words how they were found."""

    answer: str
    answers: Any
    base: Any
    names: tuple[str, ...]
    contributions: Any
    method: str
    label: bool = False


Work = Generator[Callable[[], Any], Any, Explained]
"""Yields what is to be called in the model's thread, one after the other, and is sent what that gave."""


def run(work: Work) -> Explained:
    """Do all of it here, now."""
    said = None
    try:
        while True:
            said = work.send(said)()
    except StopIteration as end:
        found: Explained = end.value
        return found


@lru_cache(maxsize=8)
def background(version: ModelVersion) -> Table:
    """The rows of its reference that a version's rows are compared with: a few, evenly. NotFound for none."""
    return evenly(version.reference(), shapley.REFERENCE_ROWS)


def evenly(table: Table, most: int) -> Table:
    """At most so many of its rows."""
    return take(table, positions(n_rows(table), most))


def positions(rows: int, most: int) -> Any:
    """Where they stand."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).round().astype(int)) if rows else np.arange(0)


def columns(table: Table) -> Table:
    """A table with each column of its 2-D arrays as one of its own, `x[3]`."""
    found: Table = {}
    for name, values in table.items():
        wide = np.ndim(values) == 2
        found |= {f"{name}[{i}]": values[:, i] for i in range(values.shape[1])} if wide else {name: values}
    return found


def _together(parts: Table, like: Table) -> Table:
    """The table whose columns these are."""
    each = iter(parts.values())
    return {
        name: np.stack([next(each) for _ in range(values.shape[1])], axis=1) if np.ndim(values) == 2 else next(each)
        for name, values in like.items()
    }


def explain(predictor: Predictor, rows: Table, reference: Callable[[], Table], answer: str | None = None) -> Work:
    """What the model says itself of these rows; else SHAP's values of trees, where that is installed; else ours.
    UsageError for an `answer` that it does not give; ModelFailed where its own `explain` fails, or gives no such."""
    table = yield partial(predictor.predict, rows)
    answer = answer or next(iter(table))
    if answer not in table or np.ndim(table[answer]) > 1:
        single = [name for name, values in table.items() if np.ndim(values) == 1]
        what = f"{predictor.name} answers no single value {answer!r} for each row"
        raise UsageError(what, fix=f"--answer {single[0]}" if single else "give the class `Model` a method `explain`")
    answers = table[answer]
    label = getattr(answers.dtype, "kind", "O") not in "biuf"
    scored = np.full(len(answers), np.nan) if label else _numbers(answers)
    if own := method(predictor.function, "explain"):
        names, base, found = yield partial(_own, predictor, own, rows, scored)
        return Explained(answer, answers, base, names, found, "as the model's own `explain` says", label)
    compared = yield reference
    if find_spec("shap") and len(table) == 1:
        from . import trees

        if values := (yield partial(trees.values, predictor, rows, compared, answers)):
            said = f"SHAP values of trees against {n_rows(compared)} rows of the reference"
            return Explained(
                answer, answers, values[0], tuple(columns(rows)), values[1], said, trees.is_label(predictor)
            )
    read = _words if label else _numbers
    parts, alone = columns(rows), not predictor.row_wise

    def predict(mixed: Table) -> Any:
        return read(predictor.predict(_together(mixed, rows))[answer])

    base, found = yield from shapley.contributions(predict, parts, columns(compared), label=label, alone=alone)
    orders = 2 * n_rows(compared)
    said = f"sampled Shapley values, {orders} orders of the columns against {n_rows(compared)} rows of the reference"
    return Explained(answer, answers, base, tuple(parts), found, said, label)


def _numbers(values: Any) -> Any:
    if isinstance(values, np.ndarray):
        return values.astype(float)
    return values.to_numpy(dtype=float, na_value=np.nan)


def _words(values: Any) -> Any:
    return np.asarray(values, dtype=object).astype(str)


def _own(predictor: Predictor, own: Callable[[Any], Any], rows: Table, scored: Any) -> tuple[Any, Any, Any]:
    """Names, base and contributions out of what a model's own `explain` returned."""
    try:
        said = own(predictor.schema.build(rows))
        said = finished(said) if inspect.iscoroutine(said) else said
    except ModelFailed:
        raise
    except (Exception, SystemExit) as error:
        raise failed(f"`explain` of {predictor.name or 'the model'}", error) from error
    base = getattr(said, "base_values", None)  # SHAP's own Explanation has them
    names, values = _named(said if base is None else said.values, rows)
    if BASE in names and BASE not in rows and base is None:
        base, keep = values[:, names.index(BASE)], [i for i, name in enumerate(names) if name != BASE]
        names, values = tuple(names[i] for i in keep), values[:, keep]
    if values.shape != (len(scored), len(names)):
        what = f"{predictor.name}: `explain` returned {values.shape[0]} rows for {len(scored)}"
        raise ModelFailed(what, fix=_FIX)
    base = scored - values.sum(axis=1) if base is None else np.broadcast_to(np.asarray(base, float), len(scored))
    return names, base, values


def _named(said: Any, rows: Table) -> tuple[tuple[str, ...], Any]:
    if isinstance(said, dict):
        said = {str(name): np.asarray(values) for name, values in said.items()}
        return tuple(said), np.array(list(said.values()), dtype=float).T
    names = tuple(map(str, said.columns)) if hasattr(said, "columns") else tuple(columns(rows))
    values = np.asarray(said, dtype=float)
    if values.ndim != 2 or values.shape[1] != len(names):
        shape = "×".join(map(str, values.shape))
        raise ModelFailed(f"`explain` returned {shape} values for the columns {', '.join(names)}", fix=_FIX)
    return names, values
