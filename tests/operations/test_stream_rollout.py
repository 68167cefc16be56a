"""A version that gets a share of a stream, or is its shadow: it is judged and taken back as in a service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from rollout_models import UNHURRIED, raises, stuck
from serving_parts import NUMBERS, first, second
from waiting import until

from workbench.api import Workbench
from workbench.patterns.streaming.shadow import MOST


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    for function in (first, second, raises, stuck):
        workbench.model("churn", function, example=NUMBERS, row_wise="yes")
    workbench.alias("churn@1", "live")
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(params=[1, 2], ids=["here", "workers"])
def stream(api: Workbench, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stream that has caught up, and its answers."""
    monkeypatch.setenv("WORKBENCH_HOME", str(api.home))
    api.promote("churn@1")
    name = f"numbers{request.param}"
    found = api.stream("churn", f"queue:{name}", output=str(tmp_path / "out.jsonl"), name=name, workers=request.param)
    yield found
    api.stop(found.name)


def put(api: Workbench, stream: Any, count: int) -> None:
    rows = pd.DataFrame({"a": [float(n) for n in range(count)], "b": 1.0})
    last = api.put(stream.job.spec["input"], rows).last
    stream.until(lambda facts: facts.get("offset") == last)


def versions(stream: Any, tail: int) -> list[int]:
    """Which version answered the last records: the second adds a thousand."""
    lines = Path(stream.job.spec["output"]).read_text().splitlines()[-tail:]
    return [1 + (one["prediction"] >= 1000 + 3 * one["a"]) for one in map(json.loads, lines)]


def test_a_share_a_key_and_a_shadow(api: Workbench, stream: Any) -> None:
    said = api.promote("churn@2", canary="30", min_requests=100, watch=UNHURRIED)
    assert f"churn@2 ✓ answers 30 % of {stream.name}, churn@1 the rest" in str(said)
    put(api, stream, 1000)
    assert 220 < versions(stream, 1000).count(2) < 380
    until(lambda: "churn@2 answers 30 % · as well as churn@1" in str(api.status(stream.name)))
    api.promote("churn@2", shadow=True)
    put(api, stream, 400)
    assert set(versions(stream, 400)) == {1}
    until(lambda: "churn@2 is its shadow: 0 equal · 400 different" in str(api.status(stream.name)))
    api.promote("churn@2")
    put(api, stream, 100)
    assert set(versions(stream, 100)) == {2}


def test_a_shadow_that_hangs_delays_nothing(api: Workbench, stream: Any) -> None:
    """What there is no room for is dropped; a process of it that ends has failed at what it was asked."""
    api.promote("churn@4", shadow=True)
    for _ in range(MOST + 3):
        put(api, stream, 200)
    until(lambda: " 0 dropped" not in card(api, stream))
    shadow = next(one for one in psutil.Process(stream.refresh().job.process.pid).children() if one.nice() > 0)
    shadow.kill()
    until(lambda: " 0 failing" not in card(api, stream))
    api.promote("churn@1")


def card(api: Workbench, stream: Any) -> str:
    return str(api.status(stream.name))


def test_a_bad_version_is_taken_back(api: Workbench, stream: Any) -> None:
    api.promote("churn@3", canary="20", min_requests=50)
    put(api, stream, 1000)
    until(lambda: "churn@3 was rolled back at 20 %" in str(api.status(stream.name)))
    until(lambda: api.status(stream.name).facts["table"] == "churn@1")
    dead = stream.refresh().facts["dead"]
    assert 120 < dead < 280
    put(api, stream, 100)
    assert stream.refresh().facts["dead"] == dead
