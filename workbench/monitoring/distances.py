"""Two samples of one column -> how far apart they are, by distances with a name, and whether chance explains it.

The tests are scipy's; those of categories pool what is too rare to test. All assume that rows are independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import UsageError

Numbers = np.ndarray[Any, Any]

BINS = 10
MOST = 1e150
"""Numbers beyond, infinities among them, count as this: what is squared and summed stays finite."""

_EXPECTED = 5.0  # rows that each cell of a chi-square test is to expect


def scipy_stats() -> Any:
    """scipy's tests. UsageError where it is not installed."""
    try:
        from scipy import stats
    except ImportError:
        raise UsageError(
            "drift needs scipy, which is not installed", fix="pip install 'deployment-workbench[drift]'"
        ) from None
    return stats


def edges(reference: Numbers) -> Numbers:
    """Where bins end that hold a tenth of the reference each; a value that fills more than one has one of its own."""
    found, counts = np.unique(np.quantile(reference, np.linspace(0, 1, BINS + 1)[1:-1]), return_counts=True)
    return np.union1d(found, np.nextafter(found[counts > 1], -np.inf))


def binned(values: Numbers, at: Numbers) -> Numbers:
    """How many values lie in each bin: up to each edge, and above the last."""
    return np.bincount(np.searchsorted(at, values, side="left"), minlength=len(at) + 1)


def shares(counts: Numbers) -> Numbers:
    """Counts as shares, with half a row added to each: a bin that is empty on one side is no infinite distance."""
    smooth = counts + 0.5
    return np.asarray(smooth / smooth.sum())


def stability_index(reference: Numbers, window: Numbers) -> float:
    """The population stability index of two rows of counts: below 0.1 is read as no change, from 0.25 as much."""
    p, q = shares(reference), shares(window)
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(reference: Numbers, window: Numbers) -> float:
    """The Jensen–Shannon distance of two rows of counts, to base 2: 0 the same, 1 nothing in common."""
    p, q = reference / max(1, reference.sum()), window / max(1, window.sum())
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(side > 0, side * np.log2(side / middle), 0.0).sum() for side in (p, q)]
    return float(np.sqrt(max(0.0, sum(parts) / 2)))


def kolmogorov_smirnov(reference: Numbers, window: Numbers) -> tuple[float, float]:
    """The largest distance between the two distribution functions, and its p-value."""
    found = scipy_stats().ks_2samp(reference, window, method="asymp")
    return float(found.statistic), float(found.pvalue)


def wasserstein(reference: Numbers, window: Numbers) -> float:
    """How far values have to be moved on average, in standard deviations of the reference (or in units, if it has
    none)."""
    scale = float(reference.std()) or 1.0
    return float(scipy_stats().wasserstein_distance(reference / scale, window / scale))


def chi_square(reference: Numbers, window: Numbers) -> tuple[float, float]:
    """The chi-square of two rows of counts, and its p-value. What would expect fewer than 5 rows is pooled; of two by
    two cells the p-value is Fisher's exact one where that is not enough."""
    cells = _pooled(reference, window)
    if cells.shape[1] < 2:
        return 0.0, 1.0
    found = scipy_stats().chi2_contingency(cells, correction=False)
    p = found.pvalue
    if cells.shape[1] == 2 and found.expected_freq.min() < _EXPECTED:
        p = scipy_stats().fisher_exact(cells).pvalue
    return float(found.statistic), float(p)


def _pooled(reference: Numbers, window: Numbers) -> Numbers:
    cells = np.vstack([reference, window]).astype(np.int64)
    cells = cells[:, cells.sum(axis=0) > 0]
    total = cells.sum()
    if cells.shape[1] <= 2 or not total:
        return cells
    rare = cells.sum(axis=0) * cells.sum(axis=1).min() / total < _EXPECTED
    if rare.sum() < 2:
        return cells
    return np.hstack([cells[:, ~rare], cells[:, rare].sum(axis=1, keepdims=True)])


def adjusted(p_values: Sequence[float]) -> Numbers:
    """The p-values after the correction of Benjamini and Hochberg for so many comparisons."""
    p = np.asarray(p_values, float)
    order = np.argsort(p)
    raised = p[order] * len(p) / np.arange(1, len(p) + 1)
    found = np.empty(len(p))
    found[order] = np.minimum.accumulate(raised[::-1])[::-1].clip(max=1.0)
    return found
