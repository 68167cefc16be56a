"""BentoML with one worker; requests share a call. `bentoml serve peers.serve_bentoml:Model --port PORT`"""

from __future__ import annotations

from typing import Any

import bentoml
import numpy as np
from models import meant, predictor, taken

SHARED = {"batchable": True, "max_batch_size": 2048, "max_latency_ms": 10_000}  # rows; else it refuses


@bentoml.service(workers=1, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Model:
    def __init__(self) -> None:
        self.model = predictor()

    if meant() == "frame":

        @bentoml.api(**SHARED)
        def predict(self, rows: list[dict[str, Any]]) -> list[float]:  # frames cannot share a call in BentoML 1.4
            return self.model(taken(rows)).tolist()

    else:

        @bentoml.api(**SHARED)
        def predict(self, rows: np.ndarray) -> np.ndarray:
            return self.model(rows)
