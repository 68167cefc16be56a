"""Dask on threads, a partition for each row group: `batch_dask.py INPUT OUTPUT`."""

from __future__ import annotations

import sys

import dask
import dask.dataframe as dd
import pandas as pd
from models import predictor

if __name__ == "__main__":
    given, out = sys.argv[1:]
    model = predictor()
    print("ready", flush=True)

    def scored(part: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"prediction": model(part.to_numpy()) if len(part) else []}, dtype="float64")

    with dask.config.set(scheduler="threads", num_workers=2):
        frame = dd.read_parquet(given, split_row_groups=True)
        frame.map_partitions(scored, meta={"prediction": "float64"}).to_parquet(out, write_index=False)
