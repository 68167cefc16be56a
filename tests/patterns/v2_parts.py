"""Requests of the Open Inference Protocol as clients build them."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pandas as pd
from endpoint_parts import Answered

from workbench.data.tensors import DTYPES, to_bytes

LENGTH = "Inference-Header-Content-Length"
INFER = "/v2/models/m/infer"
FRAME = pd.DataFrame(
    {
        "n": [1, 2, 3],
        "x": [0.5, -1.5, np.nan],
        "text": ["Köln", "", None],
        "day": pd.to_datetime(["2024-01-01", "2024-02-29", None]),
        "raw": [b"\x00\xff", b"", None],
        "maybe": pd.array([1, None, 3], "Int64"),
        "flag": np.array([True, False, None], object),
    }
)
KINDS = {"n": "INT64", "x": "FP64", "text": "BYTES", "day": "BYTES", "raw": "BYTES", "maybe": "INT64", "flag": "BOOL"}
ROW = {"n": 1, "x": 0.5, "text": "Köln", "day": "2024-01-01", "raw": "AP8=", "maybe": 1, "flag": True}


def tensor(name: str, kind: str, shape: list[int], data: Any, **parameters: Any) -> dict[str, Any]:
    """An input in JSON."""
    found = {"name": name, "datatype": kind, "shape": shape, "data": data}
    return found | ({"parameters": parameters} if parameters else {})


def binary(inputs: list[tuple[str, str, list[int], Any]], **said: Any) -> tuple[bytes, dict[str, str]]:
    """The body and headers of a request whose inputs are raw tensors; those whose values are a list are JSON."""
    told, raws = [], []
    for name, kind, shape, values in inputs:
        if isinstance(values, list):
            told.append(tensor(name, kind, shape, values))
            continue
        raws.append(values if isinstance(values, bytes) else to_bytes(values, kind))
        described = {"name": name, "datatype": kind, "shape": shape}
        told.append(described | {"parameters": {"binary_data_size": len(raws[-1])}})
    head = orjson.dumps({"inputs": told, **said})
    return head + b"".join(raws), {LENGTH: str(len(head))}


def tensors(content: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """The outputs of an answer as arrays, or lists of BYTES, read as the protocol says."""
    length = int(headers.get(LENGTH.lower(), len(content)))
    said, raw, found = orjson.loads(content[:length]), content[length:], {}
    for output in said["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            found[output["name"]] = _shaped(output, output["data"])
            continue
        found[output["name"]] = _shaped(output, _read(raw[:size], output["datatype"]))
        raw = raw[size:]
    assert not raw
    return found


def _shaped(output: dict[str, Any], values: Any) -> Any:
    dtype = DTYPES.get(output["datatype"], object)
    return np.array(values, dtype).reshape(output["shape"])


def _read(raw: bytes, kind: str) -> Any:
    if kind != "BYTES":
        return np.frombuffer(raw, DTYPES[kind])
    found = []
    while raw:
        length = int.from_bytes(raw[:4], "little")
        found.append(raw[4 : 4 + length].decode(errors="replace"))
        raw = raw[4 + length :]
    return found


def inputs(**others: Any) -> list[dict[str, Any]]:
    """One row of the frame as tensors."""
    return [tensor(name, kind, [1], [{**ROW, **others}[name]]) for name, kind in KINDS.items()]


def outputs(answered: Answered) -> dict[str, Any]:
    assert answered.status == 200, answered.content
    return {output["name"]: output for output in answered.json()["outputs"]}


def refused(answered: Answered, what: str, status: int = 400) -> None:
    assert answered.status == status, answered.content
    assert what in answered.json()["error"]
    assert len(answered.json()["fix"]) > 10
