"""Clients of a service over gRPC, with messages made by hand, one at a time and many at once."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import Any

import grpc
import numpy as np
import pandas as pd
from waiting import PATIENCE, until

from workbench.data.tensors import DTYPES, to_bytes
from workbench.patterns.serving.grpc.messages import message

SERVICE = "inference.GRPCInferenceService"
CONTENTS = {"BOOL": "bool", "INT64": "int64", "UINT64": "uint64", "FP32": "fp32", "FP64": "fp64", "BYTES": "bytes"}
CONTENTS |= {
    kind: kind.rstrip("0123456789").lower() for kind in ("INT8", "INT16", "INT32", "UINT8", "UINT16", "UINT32")
}
TENSOR = tuple[str, str, list[int], Any]


RETRIES = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 5,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)
"""What gRPC's own documentation has clients say that are to survive lost connections."""


class Asking:
    """A channel to a service, with its token; answers come as messages."""

    def __init__(self, service: Any, credentials: Any = None, *, retries: bool = False) -> None:
        options: list[Any] = [("grpc.use_local_subchannel_pool", 1)]
        options += [("grpc.service_config", RETRIES)] if retries else []
        if credentials is None:
            self.channel = grpc.insecure_channel(service.grpc, options)
        else:
            self.channel = grpc.secure_channel(service.grpc, credentials, options)
        self.metadata = (("authorization", f"Bearer {service.token}"),) if service.token else ()

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def call(self, method: str, *, timeout: float = PATIENCE, metadata: Any = None, **fields: Any) -> Any:
        """The answer of a method of the inference service."""
        return self.told(method, message(f"inference.{method}Request")(**fields), timeout=timeout, metadata=metadata)[0]

    def told(
        self, method: str, request: Any, *, timeout: float = PATIENCE, metadata: Any = None
    ) -> tuple[Any, dict[str, str]]:
        """The answer to a message, and what came with it."""
        asked = self.channel.unary_unary(f"/{SERVICE}/{method}")
        metadata = self.metadata if metadata is None else metadata
        answer, call = asked.with_call(request.SerializeToString(), timeout=timeout, metadata=metadata)
        return message(f"inference.{method}Response").FromString(answer), dict(call.trailing_metadata())

    def infer(self, request: Any, **how: Any) -> Any:
        return self.told("ModelInfer", request, **how)[0]


def request(tensors: list[TENSOR], *, raw: bool, model: str = "churn", **fields: Any) -> Any:
    """A ModelInferRequest of these tensors, (name, datatype, shape, values)."""
    made = message("inference.ModelInferRequest")(model_name=model, **fields)
    for name, kind, shape, values in tensors:
        found = made.inputs.add(name=name, datatype=kind, shape=shape)
        if raw:
            made.raw_input_contents.append(values if isinstance(values, bytes) else to_bytes(values, kind))
        else:
            given = [value.encode() if isinstance(value, str) else value for value in values]
            getattr(found.contents, f"{CONTENTS[kind]}_contents").extend(given)
    return made


def columns(response: Any) -> dict[str, list[Any]]:
    """The outputs as lists, from raw or typed contents; BYTES as text."""
    found: dict[str, list[Any]] = {}
    raws = list(response.raw_output_contents)
    for output in response.outputs:
        if raws:
            values = _read(raws.pop(0), output.datatype)
        else:
            values = list(getattr(output.contents, f"{CONTENTS[output.datatype]}_contents"))
        found[output.name] = [value.decode() if isinstance(value, bytes) else value for value in values]
        assert output.shape[0] == len(values)
    assert not raws
    return found


def _read(raw: bytes, kind: str) -> list[Any]:
    if kind != "BYTES":
        read: list[Any] = np.frombuffer(raw, DTYPES[kind]).tolist()
        return read
    found: list[Any] = []
    while raw:
        length = int.from_bytes(raw[:4], "little")
        found.append(raw[4 : 4 + length])
        raw = raw[4 + length :]
    return found


def tensors_of(frame: pd.DataFrame) -> list[TENSOR]:
    """A frame as clients send it: a tensor per column, missing texts empty, times in ISO 8601."""
    return [_tensor(str(name), frame[name]) for name in frame]


def _tensor(name: str, column: pd.Series) -> TENSOR:
    shape = [len(column)]
    kind = {"i": "INT64", "f": "FP64", "b": "BOOL"}.get(getattr(column.dtype, "kind", "O"))
    if kind:
        return name, kind, shape, column.tolist()
    written = [("" if pd.isna(v) else v.isoformat() if hasattr(v, "isoformat") else str(v)) for v in column]
    return name, "BYTES", shape, written


class Load:
    """Clients, each with a channel of its own, that ask until the block ends; whatever is answered must be right.

    `seen` counts the versions that answered, `failed` holds all that went wrong.
    """

    def __init__(self, service: Any, clients: int = 6) -> None:
        self.service, self.seen, self.failed = service, Counter[str](), list[str]()
        self.over, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        self.answered()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def answered(self, more: int = 20) -> None:
        """Wait for so many answers from now on."""
        now = sum(self.seen.values())
        until(lambda: sum(self.seen.values()) >= now + more or self.failed)

    def _ask(self, number: int) -> None:
        asked = 0
        with Asking(self.service) as asking:
            while not self.over.is_set():
                asked += 1
                a, b = float(number * 100_000 + asked), float(number)
                try:
                    answer = asking.infer(
                        request([("a", "FP64", [1], [a]), ("b", "FP64", [1], [b])], raw=bool(asked % 2))
                    )
                except grpc.RpcError as error:
                    self._wrong(f"{error.code()}: {error.details()}")
                    continue
                right = 3 * a + b + (1000 if answer.model_version == "2" else 0)
                if columns(answer) != {"prediction": [right]}:
                    self._wrong(f"{a}, {b}: {answer}")
                with self.lock:
                    self.seen[answer.model_version] += 1

    def _wrong(self, said: str) -> None:
        with self.lock:
            self.failed.append(said)
