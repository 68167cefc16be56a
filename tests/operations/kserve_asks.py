"""KServe's client against the service of the customers' model, in an environment of its own: python kserve_asks.py URL TOKEN."""

from __future__ import annotations

import asyncio
import sys

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

ROW = {"age": 31, "amount": 1.5, "city": "Ulm", "day": "2024-01-01", "vip": True}
KINDS = {"age": ("INT64", "int64"), "amount": ("FP64", "float64"), "city": ("BYTES", object), "day": ("BYTES", object)}
KINDS |= {"vip": ("BOOL", bool)}


def request(*, binary: bool) -> InferRequest:
    inputs = []
    for name, (kind, dtype) in KINDS.items():
        tensor = InferInput(name, [1], kind)
        tensor.set_data_from_numpy(np.array([ROW[name]], dtype), binary_data=binary)
        inputs.append(tensor)
    outputs = [RequestedOutput(name, {"binary_data": binary}) for name in ("score", "label")]
    return InferRequest("churn", inputs, request_id="7", request_outputs=outputs)


async def main(url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(url)
    assert await client.is_server_ready(url)
    assert await client.is_model_ready(url, "churn")
    plain = httpx.post(f"{url}/predict", json=ROW, headers=headers).json()
    for binary in (True, False):
        answer = await client.infer(url, request(binary=binary), model_name="churn", headers=dict(headers))
        assert (answer.id, answer.model_name, [output.name for output in answer.outputs]) == (
            "7",
            "churn",
            ["score", "label"],
        )
        assert answer.outputs[0].as_numpy().tolist() == [plain["score"]]
        label = answer.outputs[1].as_numpy().tolist()[0]
        assert (label.decode() if isinstance(label, bytes) else label) == plain["label"]
    for model, said in (("nobody", "Request for unknown model"), ("churn", "'age'")):
        try:
            await client.infer(
                url, InferRequest(model, request(binary=True).inputs[1:]), model_name=model, headers=dict(headers)
            )
        except httpx.HTTPStatusError as error:
            told = str(error)
        else:
            told = "nothing"
        assert said in told, told


asyncio.run(main(*sys.argv[1:]))
print("right")
