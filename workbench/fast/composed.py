"""Pipelines and column transformers: their steps, one after the other, each in its quick way where it has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .inputs import Matrix, Part
from .preparing import dense, plain
from .swap import of

_PASSED = ("passthrough", None)


def through(method: str) -> Callable[[Any, Any], Any]:
    """A pipeline's method: each step transforms, the last one answers."""

    def answer(pipeline: Any, given: Any) -> Any:
        from sklearn import get_config

        if get_config()["enable_metadata_routing"]:
            return None
        for _, step in pipeline.steps[:-1]:
            given = given if step in _PASSED else ask(step, "transform", given)
            if given is None:
                return None
        last = pipeline.steps[-1][1]
        return None if last in _PASSED else ask(last, method, given)

    return answer


def ask(estimator: Any, method: str, given: Any) -> Any:
    """The quick answer where there is one; else the estimator's own, which no part of a frame can be given."""
    swapped = of(estimator)
    if swapped is not None and method in swapped.methods:
        found = swapped.answer(estimator, method, given)
        if found is not None or type(given) is Part:
            return found
    return None if type(given) is Part else getattr(estimator, method)(given)


def side_by_side(columns: Any, frame: Any) -> Matrix | None:
    """`transform` of a ColumnTransformer that was fitted on a frame and gives an array."""
    names = getattr(columns, "feature_names_in_", None)
    if names is None or columns.sparse_output_ or type(frame).__name__ != "DataFrame" or not plain(columns):
        return None
    if frame.columns.tolist() != names.tolist():
        return None
    made = [_array(step, part) for step, part in _parts(columns, names, frame)]
    arrays = [array for array in made if array is not None]
    return np.hstack(arrays) if arrays and len(arrays) == len(made) else None


def _parts(columns: Any, names: Matrix, frame: Any) -> Iterator[tuple[Any, Part]]:
    """Each step with the columns that it is for; those that are dropped, or get none, have no part in it."""
    for name, step, _ in columns.transformers_:
        chosen = names[columns._transformer_to_input_indices[name]]
        if step != "drop" and len(chosen):
            yield step, Part({column: frame[column].to_numpy() for column in chosen})


def _array(step: Any, part: Part) -> Matrix | None:
    """What a step makes of its columns, as an array and not sparse."""
    if _passes(step):
        return part.to_numpy()
    swapped = of(step)
    if swapped is None or not swapped.on:
        return None
    kind = type(step).__name__
    if kind == "Pipeline":
        return _last_dense(step, part)
    return dense(step, part) if kind == "OneHotEncoder" else ask(step, "transform", part)


def _passes(step: Any) -> bool:
    """Whether it gives its columns as they are, as `passthrough` does once it is fitted."""
    identity = type(step).__name__ == "FunctionTransformer" and step.func is None and not step.validate
    return identity and plain(step)


def _last_dense(pipeline: Any, given: Any) -> Matrix | None:
    *before, (_, last) = pipeline.steps
    for _, step in before:
        given = given if step in _PASSED else ask(step, "transform", given)
    if given is None:
        return None
    return dense(last, given) if type(last).__name__ == "OneHotEncoder" else ask(last, "transform", given)
