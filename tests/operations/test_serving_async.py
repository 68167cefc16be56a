"""Models that await, and models that yield: in every pattern what the kernel answered; served without one waiting for
another."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from async_models import AGES, Awaiting, each_row, in_pieces, one_by_one
from serving_parts import FAILS, client, headers

from workbench.api import Workbench


@pytest.mark.parametrize("model", [Awaiting, each_row, in_pieces, one_by_one])
def test_every_pattern_answers_what_the_kernel_answers(api: Workbench, model: Any, tmp_path: Path) -> None:
    api.model("ages", model, example=AGES)
    offline = api.predict("ages", AGES)
    expected = [2.0, 4.0, 6.0]
    assert offline.iloc[:, 1].tolist() == expected
    AGES.to_csv(tmp_path / "ages.csv", index=False)
    api.batch("ages", str(tmp_path / "ages.csv"), output=str(tmp_path / "scored.csv"), wait=True)
    assert pd.read_csv(tmp_path / "scored.csv").iloc[:, 1].tolist() == expected
    service = api.serve("ages")
    with client(service) as asking:
        answer = asking.post("/predict", json=AGES.to_dict("records")).json()
    assert [next(iter(row.values())) for row in answer] == expected


def test_async_requests_do_not_wait_for_each_other(api: Workbench) -> None:
    api.model("ages", Awaiting, example=AGES)
    service = api.serve("ages", timeout=30)
    answers: list[Any] = []

    def ask() -> None:
        answers.append(httpx.post(f"{service.url}/predict", json={"age": 77}, headers=headers(service), timeout=30))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.json() for answer in answers] == [{"prediction": 154.0}] * 20
    with client(service) as asking:
        late = asking.post("/predict", json={"age": 78}, headers={"X-Request-Timeout": "0.2"})
        assert late.status_code == 504
        failed = asking.post("/predict", json={"age": FAILS})
        assert failed.status_code == 500
        assert "thirteen is too many" in failed.json()["error"]
        assert asking.post("/predict", json={"age": 2}).json() == {"prediction": 4.0}
