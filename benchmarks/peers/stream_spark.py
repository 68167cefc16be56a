"""Structured Streaming by hand from files into files: `python -m peers.stream_spark INBOX OUTPUT CORES`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import orjson
import pandas as pd
from models import predictor, taken

from peers.batch_spark import session


def scored(parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    model = predictor()
    for part in parts:
        said = [orjson.loads(value) for value in part["value"]]
        answers = model(taken(said)).tolist() if said else []
        pairs = zip(said, answers, strict=True)
        yield pd.DataFrame(
            {"value": [orjson.dumps({"x": x, "prediction": y}).decode() for x, y in pairs]}, dtype=object
        )


if __name__ == "__main__":
    inbox, out, cores = sys.argv[1:]
    found = session(cores).readStream.format("text").load(inbox).mapInPandas(scored, "value string")
    writing = found.writeStream.format("text").option("path", out).option("checkpointLocation", f"{out}.checkpoint")
    writing.start().awaitTermination()
