"""Spark on local[2] by `mapInPandas`: `batch_spark.py INPUT OUTPUT`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pandas as pd
from models import predictor
from pyspark.sql import SparkSession


def session() -> Any:
    """As a person would have it on one machine: two cores, Arrow, nothing shown."""
    made = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
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
    given, out = sys.argv[1:]
    print("ready", flush=True)
    spark = session()
    spark.read.parquet(given).mapInPandas(scored, "prediction double").write.mode("overwrite").parquet(out)
    spark.stop()
