"""MLServer, without the processes of its own that would call the model, and with its adaptive batching.

`python -m peers.serve_mlserver PORT FOLDER` writes its settings; then `mlserver start FOLDER`.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, PandasCodec
from mlserver.types import InferenceRequest, InferenceResponse
from models import meant, predictor


class Model(MLModel):
    async def load(self) -> bool:
        self.model = predictor()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        answer = self.model(self._taken(payload))
        outputs = [NumpyCodec.encode_output("prediction", answer)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

    def _taken(self, payload: InferenceRequest) -> Any:
        if meant() != "frame":
            return NumpyCodec.decode_input(payload.inputs[0])
        df = PandasCodec.decode_request(payload)
        return df.assign(joined=pd.to_datetime(df["joined"]), amount=df["amount"].astype(float))


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def settings(port: int, folder: Path) -> None:
    """The files that `mlserver start` reads."""
    ports = {"http_port": port, "grpc_port": _free_port(), "metrics_port": _free_port()}
    server = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, "access_log": False, **ports}
    shared = {"max_batch_size": 64, "max_batch_time": 0.001}
    model = {"name": "model", "implementation": "peers.serve_mlserver.Model", **shared}
    (folder / "settings.json").write_text(json.dumps(server))
    (folder / "model-settings.json").write_text(json.dumps(model))


if __name__ == "__main__":
    settings(int(sys.argv[1]), Path(sys.argv[2]))
