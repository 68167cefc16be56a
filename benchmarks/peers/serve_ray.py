"""Ray Serve as its own users have it, so many replicas behind its proxy: `python -m peers.serve_ray PORT REPLICAS`."""

from __future__ import annotations

import signal
import sys

import ray
from models import predictor, taken
from ray import serve
from starlette.requests import Request


@serve.deployment(
    max_ongoing_requests=1024, ray_actor_options={"num_cpus": 1}, logging_config={"enable_access_log": False}
)
class Model:
    def __init__(self) -> None:
        self.predict = predictor()

    async def __call__(self, request: Request) -> list[float]:
        return self.predict(taken(await request.json())).tolist()


if __name__ == "__main__":
    port, replicas = map(int, sys.argv[1:])
    ray.init(num_cpus=replicas + 1, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
    serve.run(Model.options(num_replicas=replicas).bind(), route_prefix="/predict")
    signal.pause()
