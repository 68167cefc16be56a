"""Triton's own client over gRPC, in a process of its own: `python triton_calls.py HOST:PORT TOKEN HOST:PORT TOKEN`, of
which the second service has a model that yields; prints JSON."""

from __future__ import annotations

import json
import queue
import sys
from typing import Any

import numpy as np
import tritonclient.grpc as triton


def inputs() -> list[Any]:
    columns = {
        "age": np.array([31, 42], np.int64),
        "amount": np.array([1.5, np.nan]),
        "city": np.array(["Köln", 'the "old", town'], np.object_),
        "day": np.array([b"2024-01-01", b"2024-02-29"], np.object_),
        "vip": np.array([True, False]),
    }
    kinds = ("INT64", "FP64", "BYTES", "BYTES", "BOOL")
    made = [triton.InferInput(name, [2], kind) for name, kind in zip(columns, kinds, strict=True)]
    for one, values in zip(made, columns.values(), strict=True):
        one.set_data_from_numpy(values)
    return made


def listed(result: Any) -> dict[str, Any]:
    label = [value.decode() for value in result.as_numpy("label")]
    return {"score": result.as_numpy("score").tolist(), "label": label, "months": result.as_numpy("months").tolist()}


def main(url: str, token: str, yields: str, its_token: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {token}"}
    client = triton.InferenceServerClient(url)
    said: dict[str, Any] = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model": client.is_model_ready("churn"),
        "version": client.is_model_ready("churn", "1"),
        "server": client.get_server_metadata(headers=headers, as_json=True)["name"],
        "metadata": client.get_model_metadata("churn", headers=headers, as_json=True),
        "config": client.get_model_config("churn", headers=headers, as_json=True)["config"],
        "index": client.get_model_repository_index(headers=headers, as_json=True)["models"],
        "infer": listed(client.infer("churn", inputs(), headers=headers)),
        "gzip": listed(client.infer("churn", inputs(), headers=headers, compression_algorithm="gzip")),
    }
    client.load_model("churn", headers=headers)
    wanted = [triton.InferRequestedOutput("months")]
    some = client.infer("churn", inputs(), model_version="1", outputs=wanted, request_id="17", headers=headers)
    said["some"] = [some.get_response().id, [output.name for output in some.get_response().outputs]]
    answers: queue.Queue[Any] = queue.Queue()
    client.async_infer("churn", inputs(), lambda result, error: answers.put((result, error)), headers=headers)
    result, error = answers.get(timeout=120)
    said["async"] = listed(result) if error is None else str(error)
    said["stream"] = streamed(client, headers)
    said["parts"] = parts(triton.InferenceServerClient(yields), {"authorization": f"Bearer {its_token}"})
    said["statistics"] = client.get_inference_statistics("churn", headers=headers, as_json=True)["model_stats"]
    for name, ask in {
        "unknown": lambda: client.infer("other", inputs(), headers=headers),
        "stranger": lambda: client.infer("churn", inputs()),
        "wrong": lambda: client.infer("churn", inputs()[:2], headers=headers),
        "unload": lambda: client.unload_model("churn", headers=headers),
        "otherwise": lambda: client.load_model("churn", headers=headers, config="{}"),
    }.items():
        try:
            said[name] = str(ask())
        except triton.InferenceServerException as error:
            said[name] = [error.status(), error.message()]
    return said


def streamed(client: Any, headers: Any) -> list[Any]:
    """Three requests of one stream, of which the second is wrong."""
    answers: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)), headers=headers)
    for model in ("churn", "other", "churn"):
        client.async_stream_infer(model, inputs(), request_id=model)
    found: list[Any] = []
    for _ in range(3):
        result, error = answers.get(timeout=120)
        found.append(error.message() if error else listed(result) | {"id": result.get_response().id})
    client.stop_stream()
    return found


def parts(client: Any, headers: Any) -> list[Any]:
    """Two requests of one stream, which are answered in parts: their ids, values, and whether they are the last."""
    answers: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)), headers=headers)
    for name, values in {"first": [1.0, 2.0], "second": [3.0]}.items():
        ages = triton.InferInput("age", [len(values)], "FP64")
        ages.set_data_from_numpy(np.array(values))
        client.async_stream_infer("yields", [ages], request_id=name, enable_empty_final_response=True)
    found: list[Any] = []
    for _ in range(3):
        result, error = answers.get(timeout=120)
        response = result.get_response() if error is None else None
        last = response.parameters["triton_final_response"].bool_param if response else None
        found.append([response.id, result.as_numpy("prediction").tolist(), last] if response else error.message())
    client.stop_stream()
    return found


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
