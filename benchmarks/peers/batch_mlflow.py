"""A model of MLflow in Spark on local[2], by `mlflow.pyfunc.spark_udf`: `batch_mlflow.py INPUT OUTPUT`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from models import predictor
from pyspark.sql.functions import struct

from peers.batch_spark import session


class Model(mlflow.pyfunc.PythonModel):
    """What `mlflow models` is given: the function is loaded where it answers."""

    def load_context(self, context: Any) -> None:
        self.model = predictor()

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return self.model(np.asarray(model_input))


if __name__ == "__main__":
    given, out = sys.argv[1:]
    folder = Path(out).with_suffix(".mlflow")
    mlflow.pyfunc.save_model(str(folder), python_model=Model(), pip_requirements=[])
    print("ready", flush=True)
    spark = session()
    scored = mlflow.pyfunc.spark_udf(spark, str(folder), result_type="double", env_manager="local")
    frame = spark.read.parquet(given)
    frame.select(scored(struct(*frame.columns)).alias("prediction")).write.mode("overwrite").parquet(out)
    spark.stop()
