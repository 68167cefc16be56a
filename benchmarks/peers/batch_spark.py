"""Spark on this machine by `mapInPandas`: `batch_spark.py INPUT OUTPUT [WORKERS]`, without a number on two."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pandas as pd
from models import predictor
from pyspark.sql import SparkSession


def session(workers: str = "2") -> Any:
    """As a person would have it on one machine: so many cores, Arrow, nothing shown."""
    made = SparkSession.builder.master(f"local[{workers}]").config("spark.ui.enabled", "false")
    made = made.config("spark.driver.memory", "4g").config("spark.driver.bindAddress", "127.0.0.1")
    made = made.config("spark.driver.host", "127.0.0.1").config("spark.sql.execution.arrow.maxRecordsPerBatch", 65_536)
    found = made.getOrCreate()
    found.sparkContext.setLogLevel("ERROR")
    return found


def scored(parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    model = predictor()
    for part in parts:
        yield pd.DataFrame({"prediction": model(part.to_numpy())})


if __name__ == "__main__":
    given, out, *workers = sys.argv[1:]
    print("ready", flush=True)
    spark = session(*workers)
    spark.read.parquet(given).mapInPandas(scored, "prediction double").write.mode("overwrite").parquet(out)
    spark.stop()
