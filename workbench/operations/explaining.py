"""The verb `explain`: which rows of a model are explained, compared with which others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bundle.own import owned
from ..bundle.tables import n_rows, take
from ..errors import UsageError
from ..monitoring import explainers
from ..monitoring.explanation import Explanation
from ..monitoring.shapley import REFERENCE_ROWS
from .drifting import read

if TYPE_CHECKING:
    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..inference.fields import Table
    from ..inference.schema import Schema

MOST = 200
"""Rows that are explained where nobody says how many."""


def explain(
    registry: Registry,
    home: Path,
    name: str,
    input: Any,
    *,
    answer: str | None = None,
    against: Any = None,
    most: int | None = None,
    own: bool = False,
) -> Explanation:
    """What each column adds to the answers of a version to some rows; to those of its reference where none are given.
    NotFound where it keeps none; BadInput; UsageError."""
    version = registry.resolve(name)
    predictor = owned(version, home) if own else version.predictor(home)
    given: Any = version.reference() if input is None else _rows(input, version)
    chosen = explainers.positions(_count(given), most or MOST)
    if not len(chosen):
        raise UsageError("there are no rows to explain", fix=f"%workbench explain {name} FRAME")
    table = _table(predictor.schema, given, chosen)

    def compared() -> Table:
        if against is None:
            return explainers.background(version)
        return explainers.evenly(predictor.schema.table(_rows(against, version)), REFERENCE_ROWS)

    found = explainers.run(explainers.explain(predictor, table, compared, answer))
    index = given.index[chosen] if hasattr(given, "iloc") else range(len(chosen))
    said = "its reference" if input is None else str(input) if isinstance(input, str | Path) else "a frame"
    return Explanation(version.ref, found, explainers.columns(table), index, _count(given), said)


def _rows(rows: Any, version: ModelVersion) -> Any:
    return read(str(rows), version) if isinstance(rows, str | Path) else rows


def _count(given: Any) -> int:
    return n_rows(given) if isinstance(given, dict) else len(given)


def _table(schema: Schema, given: Any, chosen: Any) -> Table:
    """The rows at these positions; what is wrong with one is said of its place in all that was given."""
    if hasattr(given, "iloc"):
        return schema.table(given.iloc[chosen])
    return take(schema.table(given), chosen)
