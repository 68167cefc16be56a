"""A column of the reference and of a window -> comparisons of its values, and of how many are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import distances

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["input", "prediction"]

_MOST_CATEGORIES, _ROWS_EACH = 200, 5
_SHOWN = 12


@dataclass(frozen=True)
class Bins:
    """How values are spread: the share of the reference, and of the window, under each label."""

    labels: tuple[str, ...]
    reference: tuple[float, ...]
    window: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """One test of one column: of `what` (its values, their lengths, or how many are missing), by which `test`.

    `p` is its p-value, `adjusted` that after the correction for all comparisons; `psi` the population stability index,
    None over all columns; `distances` are others by name; `was` and `now` one figure of both sides, in words;
    `unseen` counts the window's values that the reference does not have."""

    column: str
    role: Role
    what: str
    test: str
    statistic: float
    p: float
    psi: float | None
    was: str
    now: str
    distances: dict[str, float] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)
    bins: Bins | None = None
    adjusted: float = 1.0
    drifted: bool = False


def compare(name: str, role: Role, reference: Any, window: Any) -> Iterator[Comparison]:
    """The comparisons of one column; none for a column that holds more than one value a row."""
    import pandas as pd

    if getattr(reference, "ndim", 1) > 1:
        return
    old, new = pd.Series(reference), pd.Series(window)
    gone, lost = (side.isna().to_numpy() for side in (old, new))
    if gone.any() or lost.any():
        yield _missing(name, role, gone, lost)
    old, new = old[~gone], new[~lost]
    if len(old) and len(new):
        how = _how(old)
        yield how(name, role, old, new)


def _how(old: pd.Series) -> Callable[[str, Role, pd.Series, pd.Series], Comparison]:
    import pandas as pd

    types = pd.api.types
    if types.is_bool_dtype(old.dtype):
        return _categories
    if types.is_numeric_dtype(old.dtype):
        return _numbers
    if types.is_datetime64_any_dtype(old.dtype) or types.is_timedelta64_dtype(old.dtype) or _are_dates(old):
        return _dates
    kinds = len(pd.unique(old.astype(str)))
    few = kinds <= _MOST_CATEGORIES and len(old) >= _ROWS_EACH * kinds
    return _categories if few or isinstance(old.dtype, pd.CategoricalDtype) else _lengths


def _are_dates(values: pd.Series) -> bool:
    from datetime import date

    return isinstance(values.iloc[0], date)


def _missing(name: str, role: Role, gone: Any, lost: Any) -> Comparison:
    counts = [np.array([side.sum(), len(side) - side.sum()]) for side in (gone, lost)]
    statistic, p = distances.chi_square(*counts)
    psi = distances.stability_index(*counts)
    was, now = (f"{side.mean():.1%} missing" for side in (gone, lost))
    return Comparison(name, role, "missing", "chi-square", statistic, p, psi, was, now)


def _numbers(name: str, role: Role, old: pd.Series, new: pd.Series) -> Comparison:
    was, now = _floats(old), _floats(new)
    return _of_numbers(name, role, "values", was, now, lambda value: f"{value:.4g}")


def _lengths(name: str, role: Role, old: pd.Series, new: pd.Series) -> Comparison:
    was, now = (side.astype(str).str.len().to_numpy(float) for side in (old, new))
    return _of_numbers(name, role, "length of text", was, now, lambda value: f"{value:.4g}")


def _dates(name: str, role: Role, old: pd.Series, new: pd.Series) -> Comparison:
    import pandas as pd

    spans = pd.api.types.is_timedelta64_dtype(old.dtype)
    was, now = (_seconds(side) for side in (old, new))
    return _of_numbers(name, role, "values", was, now, lambda s: str(pd.Timedelta(s, "s") if spans else _day(s)))


def _day(seconds: float) -> str:
    import pandas as pd

    return str(pd.Timestamp(seconds, unit="s").date())


def _seconds(values: pd.Series) -> Any:
    import pandas as pd

    if pd.api.types.is_timedelta64_dtype(values.dtype):
        return values.dt.total_seconds().to_numpy(float)
    return (pd.to_datetime(values, utc=True) - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(float)


def _floats(values: pd.Series) -> Any:
    return np.clip(values.to_numpy(float), -distances.MOST, distances.MOST)


def _of_numbers(name: str, role: Role, what: str, old: Any, new: Any, said: Callable[[float], str]) -> Comparison:
    at = distances.edges(old)
    counts = [distances.binned(side, at) for side in (old, new)]
    statistic, p = distances.kolmogorov_smirnov(old, new)
    psi = distances.stability_index(*counts)
    more = {"wasserstein": distances.wasserstein(old, new), "jensen_shannon": distances.jensen_shannon(*counts)}
    was, now = (f"median {said(float(np.median(side)))}" for side in (old, new))
    bins = _histogram(old, new, said)
    return Comparison(name, role, what, "Kolmogorov–Smirnov", statistic, p, psi, was, now, more, bins=bins)


def _histogram(old: Any, new: Any, said: Callable[[float], str]) -> Bins:
    """Bins of one width over where nearly all values are, for the eye; what is beyond is in the outer ones."""
    both = np.concatenate([old, new])
    low, high = np.quantile(both, [0.005, 0.995])
    at = np.linspace(low, high, _SHOWN + 1)[1:-1] if high > low else np.array([low])
    counts = [np.bincount(np.searchsorted(at, side), minlength=len(at) + 1) / len(side) for side in (old, new)]
    labels = (*(f"≤ {said(float(edge))}" for edge in at), f"> {said(float(at[-1]))}")
    return Bins(labels, tuple(counts[0].tolist()), tuple(counts[1].tolist()))


def _categories(name: str, role: Role, old: pd.Series, new: pd.Series) -> Comparison:
    was, now = (side.astype(str).value_counts() for side in (old, new))
    known = was[was > 0].index
    unseen = now[~now.index.isin(known) & (now > 0)]
    every = known.append(unseen.index)  # a cell of what one side alone decides would find a difference by itself
    statistic, p = distances.chi_square(*(side.reindex(every, fill_value=0).to_numpy() for side in (was, now)))
    counts = [was.reindex(known, fill_value=0).to_numpy(), now.reindex(known, fill_value=0).to_numpy()]
    labels = [*map(str, known), "never seen"]
    counts = [np.append(counts[0], 0), np.append(counts[1], unseen.sum())]
    before, after = (side / side.sum() for side in counts)
    most = int(np.abs(after - before).argmax())
    return Comparison(
        *(name, role, "values", "chi-square", statistic, p, distances.stability_index(*counts)),
        was=f"{labels[most]} {before[most]:.1%}",
        now=f"{labels[most]} {after[most]:.1%}",
        distances={"jensen_shannon": distances.jensen_shannon(*counts)},
        unseen={str(label): int(count) for label, count in unseen.items()},
        bins=_largest(labels, before, after),
    )


def _largest(labels: list[str], before: Any, after: Any) -> Bins:
    shown = np.argsort(-(before + after), kind="stable")[:_SHOWN]
    return Bins(tuple(labels[i] for i in shown), tuple(before[shown].tolist()), tuple(after[shown].tolist()))
