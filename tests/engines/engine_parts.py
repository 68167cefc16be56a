"""What the tests of all engines share: a store, what lies in a folder, and patience with clusters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from customer_models import CUSTOMERS
from waiting import until

PATIENCE = 300.0


def store(folder: Path, number: int, rows: int = 50) -> None:
    """So many files of customers."""
    folder.mkdir(exist_ok=True)
    for i in range(number):
        table = CUSTOMERS.iloc[np.arange(rows) % len(CUSTOMERS)].reset_index(drop=True)
        table["age"] = np.random.default_rng(i).integers(18, 65, rows)
        table.to_parquet(folder / f"{i}.parquet", index=False)


def contents(place: Path) -> dict[str, bytes]:
    """The bytes of all files in a folder."""
    return {str(file.relative_to(place)): file.read_bytes() for file in sorted(place.rglob("*")) if file.is_file()}


def patiently(true: Callable[[], Any], what: str = "") -> Any:
    """As `until`, for clusters, which take long to begin where the machine is busy."""
    return until(true, what, PATIENCE)
