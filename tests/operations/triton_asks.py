"""Triton's own client against a service, as its examples use it, in a process of its own: python triton_asks.py HOST:PORT."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import numpy as np
import tritonclient.http as http
import tritonclient.http.aio as aio
from tritonclient.utils import InferenceServerException

FIRST = np.arange(16, dtype=np.int32).reshape(1, 16)
SECOND = np.ones((1, 16), np.int32)
GZIP = {"request_compression_algorithm": "gzip", "response_compression_algorithm": "gzip"}
DEFLATE = {"request_compression_algorithm": "deflate", "response_compression_algorithm": "deflate"}


def given(name: str, values: Any, kind: str, *, binary: bool = True, module: Any = http) -> Any:
    tensor = module.InferInput(name, list(values.shape), kind)
    tensor.set_data_from_numpy(values, binary_data=binary)
    return tensor


def simple(*, binary: bool, module: Any = http) -> list[Any]:
    return [
        given("INPUT0", FIRST, "INT32", binary=True, module=module),
        given("INPUT1", SECOND, "INT32", binary=binary, module=module),
    ]


def right(result: Any) -> None:
    """As Triton's model `simple` answers."""
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), FIRST + SECOND)
    np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), FIRST - SECOND)
    assert result.as_numpy("OUTPUT0").dtype == np.int32


def infers(client: Any) -> None:
    """simple_http_infer_client, reuse_infer_objects_client and simple_http_async_infer_client."""
    for binary in (True, False):
        for outputs in (None, [http.InferRequestedOutput(f"OUTPUT{i}", binary_data=binary) for i in (0, 1)]):
            for how in ({}, GZIP, DEFLATE, {"query_params": {"test_1": 1}, "request_id": "7"}):
                result = client.infer("simple", simple(binary=binary), outputs=outputs, **how)
                right(result)
                assert result.get_response()["id"] == how.get("request_id", result.get_response()["id"])
        none = client.infer("simple", [given(f"INPUT{i}", FIRST[:0], "INT32", binary=binary) for i in (0, 1)])
        said = none.get_output("OUTPUT0")
        assert (said["shape"], said["datatype"], none.as_numpy("OUTPUT0").shape) == ([0, 16], "INT32", (0, 16)), said
    inputs = simple(binary=True)
    for _ in range(3):
        right(client.infer("simple", inputs, model_version="1", timeout=5_000_000, priority=1, sequence_id=3))
    for asked in [client.async_infer("simple", simple(binary=True)) for _ in range(8)]:
        right(asked.get_result())
    content, length = http.InferenceServerClient.generate_request_body(simple(binary=False))
    assert length
    assert b"INPUT1" in content


async def asynchronous(url: str) -> None:
    """simple_http_aio_infer_client."""
    async with aio.InferenceServerClient(url) as client:
        assert await client.is_model_ready("simple")
        for result in await asyncio.gather(
            *(client.infer("simple", simple(binary=True, module=aio)) for _ in range(8))
        ):
            right(result)


def texts(client: Any) -> None:
    """simple_http_string_infer_client."""
    first, second = (np.array([[str(v).encode() for v in values[0]]], object) for values in (FIRST, SECOND))
    for binary in (True, False):
        inputs = [
            given(name, values, "BYTES", binary=binary) for name, values in (("INPUT0", first), ("INPUT1", second))
        ]
        result = client.infer(
            "simple_string", inputs, outputs=[http.InferRequestedOutput("OUTPUT0", binary_data=binary)]
        )
        assert [int(value) for value in result.as_numpy("OUTPUT0")[0]] == list(range(1, 17))


def identity(client: Any) -> None:
    """Texts that are none in ASCII, and none at all."""
    for binary in (True, False):
        given_texts = np.array(["Köln", "", "a\x00b"], object)
        result = client.infer("simple_identity", [given("text", given_texts, "BYTES", binary=binary)])
        assert [value.decode() for value in result.as_numpy("text")] == given_texts.tolist()


def datatypes(client: Any) -> None:
    """Every datatype there and back, infinities and NaN too."""
    kinds = {"BOOL": bool, "FP16": np.float16, "FP32": np.float32, "FP64": np.float64}
    kinds |= {f"{sign}INT{size}": f"{sign.lower()}int{size}" for sign in ("", "U") for size in (8, 16, 32, 64)}
    values = {kind: np.array([0, 1, 1], dtype) for kind, dtype in kinds.items()}
    values |= {kind: np.array([np.nan, np.inf, -0.0], kinds[kind]) for kind in ("FP16", "FP32", "FP64")}
    result = client.infer("kinds", [given(kind, value, kind) for kind, value in values.items()])
    for kind, value in values.items():
        assert result.as_numpy(kind).dtype == value.dtype
        np.testing.assert_array_equal(result.as_numpy(kind), value)


def told(client: Any) -> None:
    """simple_http_health_metadata and what load generators ask."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("simple")
    assert not client.is_model_ready("simple", "2")
    assert client.get_server_metadata()["name"] == "workbench"
    metadata = client.get_model_metadata("simple", query_params={"test_1": 1})
    assert (metadata["name"], metadata["inputs"][0]["shape"]) == ("simple", [-1, 16])
    assert client.get_model_config("simple")["max_batch_size"] > 0
    statistics = client.get_inference_statistics("simple")["model_stats"]
    assert (len(statistics), statistics[0]["inference_count"] > 0) == (1, True)
    assert len(client.get_inference_statistics()["model_stats"]) == 1
    assert [model["name"] for model in client.get_model_repository_index()] == ["simple"]
    client.load_model("simple")


def refuses(client: Any) -> None:
    """What is wrong comes as the exception of its own, with words."""
    for call, said in (
        (lambda: client.get_model_metadata("wrong_model_name"), "Request for unknown model"),
        (lambda: client.infer("simple", simple(binary=True)[:1]), "INPUT1"),
        (
            lambda: client.infer("simple", simple(binary=True), outputs=[http.InferRequestedOutput("no")]),
            "no output 'no'",
        ),
        (lambda: client.unload_model("simple"), "stays loaded"),
        (
            lambda: client.infer("simple", [given("INPUT0", FIRST[:, :8], "INT32"), *simple(binary=True)[1:]]),
            "(rows, 16)",
        ),
    ):
        try:
            call()
        except InferenceServerException as error:
            told = error.message()
        else:
            told = "nothing"
        assert said in told, told


if __name__ == "__main__":
    url, parts = sys.argv[1], sys.argv[2:]
    with http.InferenceServerClient(url, concurrency=8) as asking:
        for part in parts:
            globals()[part](asking) if part != "asynchronous" else asyncio.run(asynchronous(url))
    print("right")
