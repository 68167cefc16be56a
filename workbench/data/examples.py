"""An example that lies in a file or table -> a frame, its types read from what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import BadInput
from . import places
from .grammar import expand

if TYPE_CHECKING:
    import pandas as pd


def frame(place: str) -> pd.DataFrame:
    """All rows at a place as a frame. Raises what reading the place raises, and BadInput where there are none."""
    import pyarrow as pa

    source = places.source(expand(place))  # what a variable holds may be all of it
    table = pa.concat_tables([piece.table for piece in source.pieces()])
    if not table.num_rows:
        raise BadInput(
            f"{source.label} has no rows to prove a model on", fix="name one that has rows, a hundred or more"
        )
    read: pd.DataFrame = table.to_pandas()
    return _typed(read) if source.text is not None else read


def _typed(read: pd.DataFrame) -> pd.DataFrame:
    """Text as pandas.read_csv reads it: numbers, booleans, missing values."""
    import io

    import pandas as pd

    return pd.read_csv(io.StringIO(read.to_csv(index=False)))
