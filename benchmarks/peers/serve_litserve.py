"""LitServe with one worker; requests of one row share a call. `python -m peers.serve_litserve PORT`"""

import sys
from itertools import accumulate
from typing import Any

import litserve
from models import predictor, taken


class Api(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = predictor()

    def decode_request(self, request):  # LitServe reads the annotations: without, it is the body
        return request["rows"]

    def batch(self, inputs: list[Any]) -> Any:
        self.lengths = [len(rows) for rows in inputs]
        return taken([row for rows in inputs for row in rows])

    def predict(self, x: Any) -> Any:
        return self.model(x).tolist()

    def unbatch(self, output: Any) -> Any:
        starts = accumulate(self.lengths, initial=0)
        return [output[start : start + length] for start, length in zip(starts, self.lengths, strict=False)]

    def encode_response(self, output: Any) -> Any:
        return {"predictions": output}


if __name__ == "__main__":
    api = Api(max_batch_size=64, batch_timeout=0.001)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), log_level="error", generate_client_file=False, access_log=False)
