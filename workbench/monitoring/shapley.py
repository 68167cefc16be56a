"""A row, and rows to compare it with -> what each of its columns adds to the answer, for any model.

Shapley values by sampled orders, after E. Štrumbelj and I. Kononenko, "Explaining prediction models and individual
predictions with feature contributions", Knowledge and Information Systems 41 (2014): a row of the reference becomes the
row that is explained, column by column, and each column is given what the answer changes by. Each order is also gone
backwards, after R. Mitchell et al., "Sampling Permutations for Shapley Value Estimation", JMLR 23 (2022), and each row
of the reference is left equally often: so the contributions of a row add up to its answer less the mean answer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import numpy as np

from ..bundle.tables import Table, concat, n_rows

REFERENCE_ROWS = 64
"""Rows of the reference that each row is compared with; two orders for each of them."""

_CALL_ROWS = 4096

Work = Generator[Callable[[], Any], Any, tuple[Any, Any]]
"""Yields what is to be called in the model's thread, is sent what that gave, and returns the base of each row, and its
contributions, a column for each of the model's."""


def contributions(
    predict: Callable[[Table], Any], rows: Table, reference: Table, *, label: bool = False, alone: bool = False
) -> Work:
    """Ask `predict`, whose answers are an array of numbers, about rows mixed from `rows` and `reference`; of a `label`
    what is explained is whether the answer is the same. Rows are asked about `alone` where the model is not row-wise.
    """
    pool, size, count, width = concat([reference, rows]), n_rows(reference), n_rows(rows), len(rows)
    orders = _orders(width, size)
    ranks = np.argsort(orders, axis=1)
    mixed = ranks[:, None, :] < np.arange(1, width)[None, :, None]  # order, step, column: whether it is the row's
    ends = yield from _answers(predict, pool, np.repeat(np.arange(size + count)[:, None], width, axis=1), alone)
    left = np.tile(np.arange(size), 2)[:, None, None]
    bases, found = np.empty(count), np.empty((count, width))
    at_once = max(1, _CALL_ROWS // max(1, mixed.shape[0] * mixed.shape[1]))
    for first in range(0, count, at_once):
        part = range(first, min(count, first + at_once))
        index = np.concatenate([np.where(mixed, size + i, left).reshape(-1, width) for i in part])
        between = yield from _answers(predict, pool, index, alone)
        for i, steps in zip(part, np.array_split(between, len(part)), strict=True):
            path = ends[:size], steps, ends[size + i]
            begun, went, ended = (values == path[2] if label else values for values in path)
            bases[i], found[i] = _shared(begun, went, ended, ranks)
    return bases, found


def _orders(width: int, size: int) -> Any:
    """For each row of the reference an order of the columns, the same for every row; then all of them backwards."""
    random = np.random.default_rng(0)
    orders = np.array([random.permutation(width) for _ in range(size)]).reshape(size, width)
    return np.concatenate([orders, orders[:, ::-1]])


def _answers(predict: Callable[[Table], Any], pool: Table, index: Any, alone: bool) -> Generator[Any, Any, Any]:
    """The answers to rows of which each column is taken from the row of the pool that `index` says."""
    most, found = 1 if alone else _CALL_ROWS, []
    for first in range(0, len(index), most):
        part = index[first : first + most]
        table = {name: values[part[:, j]] for j, (name, values) in enumerate(pool.items())}
        found.append((yield partial(predict, table)))
    return np.concatenate(found) if found else np.empty(0)


def _shared(reference: Any, between: Any, own: Any, ranks: Any) -> tuple[float, Any]:
    """The base, and the mean of what each column changed the answer by."""
    begin, end = np.tile(reference, 2)[:, None].astype(float), np.full((len(ranks), 1), float(own))
    steps = np.diff(np.hstack([begin, between.reshape(len(ranks), -1).astype(float), end]), axis=1)
    return float(np.mean(begin)), np.take_along_axis(steps, ranks, axis=1).mean(axis=0)
