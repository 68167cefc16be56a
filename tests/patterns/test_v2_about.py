"""What a service tells of its model in Triton's and KServe's words, and the repository that is that model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from endpoint_parts import Asking
from v2_parts import tensor


@pytest.fixture
def asking(tmp_path: Any) -> Iterator[Asking]:
    made = Asking(lambda df: df["a"] * 2, pd.DataFrame({"a": [1.0, 2.0], "city": ["a", "b"]}), tmp_path)
    yield made
    made.close()


def test_it_tells_of_itself(asking: Asking) -> None:
    assert "binary_tensor_data" in asking.get("/v2").json()["extensions"]
    assert asking.get("/v2/models").json() == {"models": ["m"]}
    for path in ("/v2/models/m", "/v2/models/m/versions/1"):
        assert asking.get(path).json()["versions"] == ["1"]
        assert asking.get(f"{path}/ready").json() == {"name": "m", "ready": True}
        assert asking.get(f"{path}/config").json()["name"] == "m"
        assert asking.get(f"{path}/stats").json()["model_stats"][0]["version"] == "1"
    for path in ("/v2/models/n", "/v2/models/m/versions/2"):
        for ending in ("", "/ready", "/config", "/stats"):
            answered = asking.get(path + ending)
            assert (answered.status, answered.json()["error"][:25]) == (404, "Request for unknown model")


def test_its_config_is_what_load_generators_ask_for(asking: Asking) -> None:
    told = asking.get("/v2/models/m/config").json()
    assert (told["max_batch_size"], told["dynamic_batching"]) == (4096, {})
    assert told["input"] == [
        {"name": "a", "data_type": "TYPE_FP64", "dims": [1]},
        {"name": "city", "data_type": "TYPE_STRING", "dims": [1]},
    ]
    asking.endpoint.live.current().predictor.row_wise = False
    told = asking.get("/v2/models/m/config").json()
    assert (told["max_batch_size"], told["output"][0]["dims"], "dynamic_batching" in told) == (0, [-1], False)


def test_its_statistics_are_what_it_did(asking: Asking) -> None:
    began = time.time() * 1000
    right = [tensor("a", "FP64", [3], [1, 2, 3]), tensor("city", "BYTES", [3], ["a", "b", "c"])]
    assert asking.post("/v2/models/m/infer", {"inputs": right}).status == 200
    assert asking.post("/v2/models/m/infer", {"inputs": []}).status == 400
    (told,) = asking.get("/v2/models/stats").json()["model_stats"]
    assert (told["inference_count"], told["execution_count"]) == (3, 1)
    assert (told["inference_stats"]["success"]["count"], told["inference_stats"]["fail"]["count"]) == (1, 1)
    assert told["inference_stats"]["compute_infer"]["ns"] > 0
    assert began - 1 <= told["last_inference"] <= time.time() * 1000 + 1


def test_its_repository_holds_its_model(asking: Asking) -> None:
    one = [{"name": "m", "version": "1", "state": "READY", "reason": ""}]
    assert asking.post("/v2/repository/index", b"").json() == one
    assert asking.post("/v2/repository/index", {"ready": True}).json() == one
    assert asking.post("/v2/repository/models/m/load", {}).json() == {"name": "m", "load": True}
    assert asking.post("/v2/repository/models/m/load", b"").status == 200
    other = asking.post("/v2/repository/models/m/load", {"parameters": {"config": "{}"}})
    assert (other.status, "promote" in other.json()["fix"]) == (400, True)
    unload = asking.post("/v2/repository/models/m/unload", {"parameters": {"unload_dependents": False}})
    assert (unload.status, "%workbench stop service/m" in unload.json()["fix"]) == (400, True)
    for verb in ("load", "unload"):
        assert asking.post(f"/v2/repository/models/n/{verb}", {}).status == 404
    assert asking.post("/v2/repository/index", b"{").status == 400
    asking.endpoint.draining = True
    assert asking.post("/v2/repository/index", b"").json()[0]["state"] == "UNAVAILABLE"
    assert asking.post("/v2/repository/index", {"ready": True}).json() == []
