"""A frame -> a Parquet file, where that gives back the very same frame."""

from __future__ import annotations

import sys
import warnings
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def is_frame(value: object) -> bool:
    kind = type(value)
    return kind.__name__ == "DataFrame" and kind.__module__.startswith("pandas.")


def write_frame(file: Path, frame: pd.DataFrame) -> Path | None:
    """Parquet where it gives the very same frame back; else nothing, and a pickle holds it."""
    import pandas as pd

    try:
        frame.to_parquet(file)
        with warnings.catch_warnings(action="ignore"), _as_elsewhere():
            back = pd.read_parquet(file)
        pd.testing.assert_frame_equal(frame, back, check_exact=True, check_column_type=True)
        if frame.attrs == back.attrs and frame.columns.dtype == back.columns.dtype:
            return file
    except Exception:  # noqa: BLE001 (whatever Parquet cannot hold, a pickle can, or says why not)
        file.unlink(missing_ok=True)
        return None
    file.unlink(missing_ok=True)
    return None


def _as_elsewhere() -> AbstractContextManager[Any]:
    """Text as pandas reads it where nobody set it otherwise: bundles load their state before their settings count."""
    import pandas as pd

    usual = sys.modules["pandas._config.config"]._registered_options.get("future.infer_string")
    return pd.option_context("future.infer_string", usual.defval) if usual else nullcontext()
