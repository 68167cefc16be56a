"""All columns of two samples at once -> whether they come from one distribution; and rows that lie far from it.

The test is that of the energy distance (Székely and Rizzo 2013), by permutation: it also sees columns that changed how
they go together while each alone looks as before. Outliers are found by robust z-scores (Iglewicz and Hoaglin 1993).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .comparing import Comparison
from .distances import MOST

if TYPE_CHECKING:
    import pandas as pd

_ROWS, _LABELS = 600, 10
_PERMUTATIONS, _MANY, _CLOSER_LOOK = 199, 9_999, 0.05
_NORMAL, _NORMAL_MEAN = 1.4826, 1.2533  # from the median, and the mean, of absolute deviations to a standard deviation
FAR = 3.5


def together(reference: pd.DataFrame, window: pd.DataFrame) -> Comparison | None:
    """The comparison over all columns, of up to 600 rows of each; None without two columns that can be compared."""
    rng = np.random.default_rng(0)
    old, new = (side.iloc[np.sort(rng.permutation(len(side))[:_ROWS])] for side in (reference, window))
    parts = [part for name in reference.columns if (part := _coordinates(old[name], new[name])) is not None]
    if len(parts) < 2:
        return None
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # what serves on this machine needs the other cores
        statistic, p = _energy(_distances(np.hstack(parts)), len(old), rng)
    said = f"{len(parts)} columns"
    return Comparison("all columns", "input", "together", "energy distance", statistic, p, None, said, said)


def _coordinates(old: pd.Series, new: pd.Series) -> Any:
    """Both sides as numbers of one scale: ranks for what has an order, 0 and 1 for the most frequent labels."""
    import pandas as pd

    both = pd.concat([old, new], ignore_index=True)
    if not _is_ordered(both):
        labels = both.astype(str).where(both.notna(), "\x00")
        return np.column_stack([(labels == one) * 1.0 for one in labels.value_counts().index[:_LABELS]])
    ranks = both.rank(pct=True).to_numpy(float)
    return np.column_stack([np.nan_to_num(ranks, nan=0.5), np.isnan(ranks) * 1.0])


def _is_ordered(values: pd.Series) -> bool:
    import pandas as pd

    types = pd.api.types
    if types.is_bool_dtype(values.dtype):
        return False
    return bool(types.is_numeric_dtype(values.dtype) or values.dtype.kind in "mM")


def _distances(points: Any) -> Any:
    squares = (points**2).sum(axis=1)
    return np.sqrt(np.maximum(0.0, squares[:, None] + squares[None, :] - 2 * points @ points.T))


def _energy(apart: Any, first: int, rng: np.random.Generator) -> tuple[float, float]:
    """The energy coefficient (0 the same, 1 apart), and the share of permutations that are at least as far apart: of
    199, and where that is near a verdict of 9 999, so that p can be small enough among many comparisons."""
    sides = np.where(np.arange(len(apart)) < first, 1 / first, -1 / (len(apart) - first)).astype(np.float32)
    apart = apart.astype(np.float32)
    here = float(_energies(apart, sides[None, :])[0])
    for many in (_PERMUTATIONS, _MANY):
        signs = rng.permuted(np.tile(sides, (many, 1)), axis=1)
        p = float((1 + (_energies(apart, signs) >= here * (1 - 1e-6)).sum()) / (1 + many))
        if p > _CLOSER_LOOK:
            break
    between = 2 * float(apart[:first, first:].mean())
    return here / between if between else 0.0, p


def _energies(apart: Any, signs: Any) -> Any:
    return -np.einsum("ij,ij->i", signs @ apart, signs)


def outliers(reference: pd.DataFrame, window: pd.DataFrame) -> pd.DataFrame:
    """The window's rows that lie farther out than the reference's own do, the farthest first: by `score` (robust
    z-score of the `column` that is farthest out, at least 3.5 and beyond 999 of 1000 rows of the reference)."""
    import pandas as pd

    names = [name for name in reference.columns if _is_ordered(reference[name]) and reference[name].dtype.kind != "M"]
    if not names:
        return pd.DataFrame(columns=["score", "column", "value"])
    scored = pd.DataFrame({name: _scores(reference[name], window[name]) for name in names}, index=window.index)
    own = pd.DataFrame({name: _scores(reference[name], reference[name]) for name in names})
    bounds = np.maximum(FAR, own.quantile(1 - 0.001 / len(names)))
    relative = scored / bounds
    far = relative.max(axis=1) > 1
    columns = relative[far].idxmax(axis=1)
    found = {
        "score": [scored.at[row, name] for row, name in columns.items()],
        "column": columns,
        "value": [str(window.at[row, name]) for row, name in columns.items()],
    }
    order = relative[far].max(axis=1).sort_values(ascending=False, kind="stable").index
    return pd.DataFrame(found, index=columns.index).loc[order]


def _scores(reference: pd.Series, values: pd.Series) -> Any:
    """Robust z-scores: distances from the median in standard deviations as the median distance tells them."""
    known = _plain(reference)
    known = known[~np.isnan(known)]
    if not known.size:
        return np.zeros(len(values))
    middle = np.median(known)
    apart = np.abs(known - middle)
    scale = _NORMAL * np.median(apart) or _NORMAL_MEAN * apart.mean() or 1.0
    return np.nan_to_num(np.abs(_plain(values) - middle) / scale, nan=0.0)


def _plain(values: pd.Series) -> Any:
    if values.dtype.kind == "m":
        return values.dt.total_seconds().to_numpy(float)
    return np.clip(values.to_numpy(float, na_value=np.nan), -MOST, MOST)
