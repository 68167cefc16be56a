"""What is written by hand: `batch_by_hand.py JOB INPUT OUTPUT`, with `MODEL` and `MODELS` as for all. It says `ready`
once all is imported and the model loaded."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from models import predictor

PIECE = 65_536
SCORE = pa.field("prediction", pa.float64())


def batches(given: str) -> tuple[pa.Schema, object]:
    """The tuned loop's way to read: no more than the pieces that are needed is held."""
    opened = pq.ParquetFile(given, pre_buffer=False, buffer_size=1 << 20)
    return opened.schema_arrow, opened.iter_batches(batch_size=PIECE)


def matrix(batch: pa.RecordBatch) -> np.ndarray:
    return np.array([column.to_numpy() for column in batch.columns]).T


def read(given: str, out: str) -> None:
    for _ in batches(given)[1]:
        pass


def predict(given: str, out: str) -> None:
    """As many rows as there are, but always the same, which are in memory."""
    opened = pq.ParquetFile(given)
    rows = matrix(next(opened.iter_batches(batch_size=PIECE)))
    for start in range(0, opened.metadata.num_rows, PIECE):
        model(rows[: opened.metadata.num_rows - start])


def write(given: str, out: str) -> None:
    scores = pa.table([pa.array(np.random.default_rng(0).random(PIECE))], schema=pa.schema([SCORE]))
    left = pq.ParquetFile(given).metadata.num_rows
    with pq.ParquetWriter(out, scores.schema, use_dictionary=False) as writer:
        while left > 0:
            writer.write_table(scores.slice(0, left))
            left -= PIECE


def loop(given: str, out: str, whole: bool = False) -> None:
    schema, some = batches(given)
    kept = schema if whole else pa.schema([])
    with pq.ParquetWriter(out, kept.append(SCORE), use_dictionary=False) as writer:
        for batch in some:
            scores = pa.array(model(matrix(batch)))
            columns = [*batch.columns, scores] if whole else [scores]
            writer.write_table(pa.table(columns, schema=writer.schema))


def whole(given: str, out: str) -> None:
    loop(given, out, whole=True)


def pandas(given: str, out: str) -> None:
    frame = pd.read_parquet(given)
    pd.DataFrame({"prediction": model(frame.to_numpy())}).to_parquet(out)


if __name__ == "__main__":
    job, given, out = sys.argv[1:]
    model = predictor()
    print("ready", flush=True)
    globals()[job](given, out)
