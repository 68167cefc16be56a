"""Scalers, imputers and encoders: the same steps on the same array, without the checks in between."""

from __future__ import annotations

from typing import Any

import numpy as np

from .inputs import Matrix, floats, shaped


def standardized(scaler: Any, given: Any) -> Matrix | None:
    """`transform` of a StandardScaler."""
    rows = _own(scaler, given)
    if rows is None:
        return None
    if scaler.with_mean:
        rows -= scaler.mean_
    if scaler.with_std:
        rows /= scaler.scale_
    return rows


def between(scaler: Any, given: Any) -> Matrix | None:
    """`transform` of a MinMaxScaler."""
    rows = None if scaler.clip else _own(scaler, given)
    if rows is None:
        return None
    rows *= scaler.scale_
    rows += scaler.min_
    return rows


def robust(scaler: Any, given: Any) -> Matrix | None:
    """`transform` of a RobustScaler."""
    rows = _own(scaler, given)
    if rows is None:
        return None
    if scaler.with_centering:
        rows -= scaler.center_
    if scaler.with_scaling:
        rows /= scaler.scale_
    return rows


def imputed(imputer: Any, given: Any) -> Matrix | None:
    """`transform` of a SimpleImputer that fills NaN, in columns that all had values."""
    fills = imputer.statistics_
    if imputer.add_indicator or imputer.missing_values == imputer.missing_values or (fills != fills).any():
        return None
    numbers = _own(imputer, given) if imputer.strategy in ("mean", "median") else None
    rows = _objects(imputer, given) if fills.dtype == object else numbers
    if rows is None:
        return None
    missing = rows != rows
    if missing.any():
        np.copyto(rows, fills, where=missing)
    return rows


def encoded(encoder: Any, given: Any) -> Matrix | None:
    """`transform` of a OneHotEncoder that gives an array."""
    return None if encoder.sparse_output else dense(encoder, given)


def dense(encoder: Any, given: Any) -> Matrix | None:
    """What `transform` of a OneHotEncoder gives, as an array. None where a value is missing, or is not known and must
    be."""
    rows = _objects(encoder, given) if encoder.drop is None and not encoder._infrequent_enabled else None
    if rows is None or not plain(encoder):
        return None
    places = [_places(known, values) for known, values in zip(encoder.categories_, rows.T, strict=True)]
    if any(found is None or (encoder.handle_unknown != "ignore" and None in found) for found in places):
        return None
    return _ones(places, list(map(len, encoder.categories_)), encoder.dtype)


def _places(known: Matrix, values: Matrix) -> list[int | None] | None:
    """Where each value stands among the known ones, None where it does not; no list where one is missing."""
    if known.dtype != object:
        return None
    table = {value: place for place, value in enumerate(known.tolist())}
    listed = values.tolist()
    return None if any(type(value) is not str for value in listed) else [table.get(value) for value in listed]


def _ones(places: Any, widths: list[int], dtype: Any) -> Matrix:
    made = np.zeros((len(places[0]), sum(widths)), dtype)
    start = 0
    for found, width in zip(places, widths, strict=True):
        for row, place in enumerate(found):
            if place is not None:
                made[row, start + place] = 1
        start += width
    return made


def plain(estimator: Any) -> bool:
    """Whether what it gives is an array, as nobody asked for frames."""
    from sklearn import get_config

    own = getattr(estimator, "_sklearn_output_config", {}).get("transform")
    return own in (None, "default") and get_config()["transform_output"] == "default"


def _own(estimator: Any, given: Any) -> Matrix | None:
    """Rows that can be changed in place."""
    return floats(estimator, given, missing=True) if estimator.copy and plain(estimator) else None


def _objects(estimator: Any, given: Any) -> Matrix | None:
    """Rows of text, in an array of their own."""
    rows = shaped(estimator, given)
    if rows is None or rows.dtype != object:
        return None
    return rows.copy(order="K") if getattr(estimator, "copy", True) and plain(estimator) else None
