"""Whether a model is row-wise: whether a batch of rows gets the answers that its rows get one by one.

A handful of rows of the example passes most models that are not row-wise, so they are asked about rows made
to tell them apart as well: a missing value and an extreme in each column, each category, text never seen;
in batches of more than 64 rows, shuffled, with duplicates. The set depends on the example alone, and takes
at most some sixty calls for a single row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BadInput, ModelFailed
from ..inference.predictor import Predictor
from .equal import difference
from .tables import Table, concat, n_rows, take

_SINGLES = 16
_GROUPS = 14
_BATCH = 97
_UNSEEN = "a text that no row has"

Outcome = Table | str
"""What the model answered to one row, or how it failed."""


@dataclass(frozen=True)
class RowWise:
    """`holds` only if it held on every probe; else `reason` says in words on which it did not."""

    holds: bool
    reason: str = ""


def row_wise(predictor: Predictor, sample: Table, answer: Table) -> RowWise:
    """Probe a model on rows of `sample`, to which it answered `answer` in one call."""
    reason = next(_differences(predictor, sample, answer), "")
    return RowWise(not reason, reason)


def _differences(predictor: Predictor, sample: Table, answer: Table) -> Iterator[str]:
    """What shows that the model is not row-wise, cheapest first; nothing if it is."""
    chosen = _spread(n_rows(sample), _SINGLES)
    singles = [_ask(predictor, take(sample, [row])) for row in chosen]
    failed = next((s for s in singles if isinstance(s, str)), None)
    if failed is not None:
        yield f"a single row of the example fails where all of them at once do not: {failed}"
        return
    yield from _unlike("one row alone", take(answer, chosen), singles)
    yield from _in_batches(predictor, sample, answer)
    probes = probe_rows(sample)
    if n_rows(probes):
        yield from _on_probes(predictor, sample, answer, probes)
    yield from _unlike("the first row asked again", take(answer, [0]), [_ask(predictor, take(sample, [0]))])


def _in_batches(predictor: Predictor, sample: Table, answer: Table) -> Iterator[str]:
    """Rows of the example shuffled and repeated in a batch of more than 64, and duplicates of one row."""
    rows = n_rows(sample)
    shuffled = np.random.default_rng(1).permutation(np.arange(max(_BATCH, min(rows, 4 * _BATCH))) % rows)
    for what, chosen in (
        (f"a batch of {len(shuffled)} shuffled rows", shuffled),
        ("a batch with duplicates", np.array([0, 0, rows - 1, 0, rows // 2])),
        ("a batch of two", np.array([rows - 1, 0])),
    ):
        yield from _unlike(what, take(answer, chosen), [_ask(predictor, take(sample, chosen))])


def _on_probes(predictor: Predictor, sample: Table, answer: Table, probes: Table) -> Iterator[str]:
    """Each probe alone; those that it answers in one batch; those that fail beside a row that does not."""
    alone = [_ask(predictor, take(probes, [row])) for row in range(n_rows(probes))]
    good = [row for row, outcome in enumerate(alone) if not isinstance(outcome, str)]
    if good:
        answered = [outcome for outcome in alone if not isinstance(outcome, str)]
        mixed = concat([take(probes, good), take(sample, np.arange(_BATCH) % n_rows(sample))])
        order = np.random.default_rng(2).permutation(n_rows(mixed))
        together = _ask(predictor, take(mixed, order))
        if not isinstance(together, str):
            together = take(together, np.argsort(order)[: len(good)])
        yield from _unlike("a missing, extreme or new value in a batch", together, answered)
    for row in (row for row, outcome in enumerate(alone) if isinstance(outcome, str)):
        if not isinstance(_ask(predictor, concat([take(probes, [row]), take(sample, [0])])), str):
            yield f"a row that fails alone is answered beside another: {alone[row]}"


def _ask(predictor: Predictor, table: Table) -> Outcome:
    try:
        return predictor.predict(table)
    except (ModelFailed, BadInput) as error:
        return error.what


def _unlike(what: str, batch: Outcome, parts: list[Outcome] | list[Table]) -> Iterator[str]:
    """The first difference between the rows of a batch and the same rows in parts, if there is one."""
    failed = next((p for p in (batch, *parts) if isinstance(p, str)), None)
    if failed is not None:
        yield f"{what} fails: {failed}"
        return
    tables = [part for part in parts if not isinstance(part, str)]
    if mixed := next((t for t in tables if _kinds(t) != _kinds(tables[0])), None):
        yield f"{what} has other columns or types: {_kinds(mixed)}, then {_kinds(tables[0])}"
    elif found := difference(batch, concat(tables), exact=False):  # type: ignore[arg-type]
        yield f"{what} gets another answer: {found[0]}"


def _kinds(table: Table) -> dict[str, str]:
    """The dtypes; numpy's fixed-width text is as wide as its longest value, so its width is left out."""
    return {
        name: str(values.dtype).rstrip("0123456789") if values.dtype.kind == "U" else str(values.dtype)
        for name, values in table.items()
    }


def _spread(rows: int, at_most: int) -> np.ndarray:
    return np.unique(np.linspace(0, rows - 1, min(rows, at_most)).astype(int))


def probe_rows(sample: Table) -> Table:
    """Rows of the sample, each changed in one way; wide tables change several columns in one row."""
    rows = n_rows(sample)
    changed: list[Table] = []
    for number, changes in enumerate(_changes(sample)):
        row = take(sample, [number * 7 % rows])
        for name, value in changes.items():
            row[name] = value
        changed.append(row)
    return concat(changed) if changed else {}


def _changes(sample: Table) -> Iterator[Table]:
    """What to put into a row, column by column: one-row arrays of the column's own dtype."""
    missing = {name: value for name, values in sample.items() if (value := _missing(values)) is not None}
    yield from _grouped(missing)
    extremes = {name: value for name, values in sample.items() if (value := _extreme(values)) is not None}
    yield from _grouped(extremes)
    levels = {name: list(values.categories) for name, values in sample.items() if hasattr(values, "categories")}
    for number in range(min(_GROUPS, max(map(len, levels.values()), default=0))):
        yield {name: _like(sample[name], known[number % len(known)]) for name, known in levels.items() if known}


def _grouped(changes: Table) -> Iterator[Table]:
    names = list(changes)
    for part in range(min(_GROUPS, len(names))):
        yield {name: changes[name] for name in names[part::_GROUPS]}


def _missing(values: Any) -> Any | None:
    """One row of a column with a missing value, or None where its dtype has none."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "fc":
            return np.full((1, *values.shape[1:]), np.nan, values.dtype)
        if values.dtype.kind in "mM":
            return np.full((1, *values.shape[1:]), "NaT", values.dtype)
        return _object_missing(values) if values.dtype == object else None
    return _like(values, values.dtype.na_value)


def _object_missing(values: np.ndarray) -> np.ndarray | None:
    """The missing value that the column has already; text columns are given None."""
    import pandas as pd

    flat = values.reshape(-1)
    seen = next((v for v in flat if v is None or (not isinstance(v, str) and pd.isna(v))), None)
    texts = all(v is None or isinstance(v, str | float) for v in flat)
    return np.full((1, *values.shape[1:]), seen, object) if texts else None


def _extreme(values: Any) -> Any | None:
    """One row of a column with a value far above all others, or a text that no row has."""
    kind = getattr(values.dtype, "kind", "O")
    if isinstance(values, np.ndarray) and kind in "iuf":
        return _far(values)
    if kind in "iuf":
        known = np.asarray(values[~values.isna()].astype(values.dtype.numpy_dtype))
        return _like(values, _far(known)[0].item()) if len(known) else None
    if isinstance(values, np.ndarray) and kind == "O" and all(v is None or isinstance(v, str) for v in values.flat):
        return np.full((1, *values.shape[1:]), _UNSEEN, object)
    return _like(values, _UNSEEN) if str(values.dtype) in ("str", "string") else None


def _far(values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    far = high + 10 * max(high - low, abs(high), 1.0)
    limits = np.finfo(values.dtype) if values.dtype.kind == "f" else np.iinfo(values.dtype)
    far = min(far, float(limits.max))
    whole = values.dtype.kind in "iu"
    return np.full((1, *values.shape[1:]), min(int(far), int(limits.max)) if whole else far, values.dtype)


def _like(values: Any, value: Any) -> Any:
    """A one-row column of the same dtype that holds `value`."""
    return type(values)._from_sequence([value], dtype=values.dtype)
