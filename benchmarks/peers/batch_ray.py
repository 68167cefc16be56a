"""Ray Data on this machine: `batch_ray.py INPUT OUTPUT [WORKERS]`."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import ray
from models import predictor


class Scoring:
    def __init__(self) -> None:
        self.model = predictor()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"prediction": self.model(np.array(list(batch.values())).T)}


if __name__ == "__main__":
    given, out, *rest = sys.argv[1:]
    workers = int((rest or ["1"])[0])
    print("ready", flush=True)
    # an actor keeps its processor, and what reads needs one besides
    ray.init(num_cpus=workers + 1, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    data = ray.data.read_parquet(given)
    data.map_batches(Scoring, batch_size=65_536, concurrency=workers).write_parquet(out)
