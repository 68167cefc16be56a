"""Drift of what a service, a run, a file or a frame saw, against the reference that the model was captured with."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
import pytest
from drift_models import customers, score
from serving_parts import client

from workbench.api import Workbench
from workbench.errors import NotFound, UsageError
from workbench.faces.cards import html


@pytest.fixture
def churn(api: Workbench) -> str:
    api.model("churn", score, example=customers(600, 0), row_wise="yes")
    return "churn"


def ask(service: Any, rows: pd.DataFrame, request: str) -> None:
    with client(service) as asking:
        body = json.loads(rows.to_json(orient="records"))
        assert asking.post("/predict", json=body, headers={"X-Request-Id": request}).status_code == 200


def test_a_service_is_quiet_until_what_it_is_asked_changes(api: Workbench, churn: str) -> None:
    service = api.serve(churn, log_requests=True, hash="plan")
    ask(service, customers(40, 1), "few")
    assert "too few rows to judge drift: 40 rows against 600" in str(api.drift(churn))
    ask(service, customers(300, 2), "as before")
    with client(service) as asking:
        assert asking.post("/predict", json={"age": "old"}).status_code == 400
    quiet = api.drift(churn)
    assert quiet.judged
    assert not quiet.drifted
    assert quiet.rows == (600, 340)
    assert "not in the window, and not compared: plan" in str(quiet)
    assert "1 row refused or failed: not compared" in str(quiet)
    older = customers(300, 3).assign(age=lambda df: df["age"] + 30)
    older.loc[7, "calls"] = 4000
    ask(service, older, "older")
    seen = api.drift("service/churn", since="1h", threshold=0.2)
    assert seen.columns[0] == "age"
    assert "calls" not in seen.columns
    assert seen.outliers.iloc[0][["request", "row", "column"]].tolist() == ["older", 7, "calls"]
    assert str(seen).startswith("churn@1 ✗ drift in age")
    assert "service/churn since 1h against its reference" in str(seen)
    assert html(str(seen)).count("<tr") >= 3


def test_files_frames_and_runs_are_compared_as_well(api: Workbench, churn: str, tmp_path: Path) -> None:
    customers(500, 4).to_csv(tmp_path / "today.csv", index=False)
    changed = customers(500, 5).assign(plan="plus")
    changed.to_parquet(tmp_path / "later.parquet")
    assert not api.drift(churn, "today.csv").drifted
    assert "plan" in api.drift(churn, changed).columns
    assert not api.drift("churn@1", changed, against=changed.iloc[::-1]).drifted
    assert "plan" in api.drift(churn, "later.parquet", against="today.csv").columns
    run = api.batch(churn, "later.parquet", output="scored/", wait=True)
    seen = api.drift(run.name)
    assert {"plan", "prediction"} <= set(seen.columns)
    assert seen.to_json()["window"].startswith("run/1, ")


def test_drift_is_told_to_a_hook(api: Workbench, churn: str) -> None:
    told: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        where = f"http://127.0.0.1:{server.server_port}/hook"
        api.drift(churn, customers(300, 6), notify=where)
        assert told == []
        api.drift(churn, customers(300, 6).assign(age=80.0), notify=where)
        server.shutdown()
    assert told[0]["subject"] == "drift: churn@1"
    assert "  drift age" in told[0]["text"]


def test_what_cannot_be_compared_says_so(api: Workbench, churn: str) -> None:
    with pytest.raises(UsageError, match="drift needs rows"):
        api.drift(churn)
    with pytest.raises(UsageError, match="--since is for the request log"):
        api.drift(churn, customers(200, 1), since="1d")
    with pytest.raises(UsageError, match="share of windows"):
        api.drift(churn, customers(200, 1), alarms=5)
    with pytest.raises(NotFound):
        api.drift("nobody")
    api.serve(churn)
    with pytest.raises(UsageError, match="keeps no requests"):
        api.drift(churn)
    api.model("private", score, example=customers(300, 0), no_reference=True)
    with pytest.raises(NotFound, match="--no-reference"):
        api.drift("private", customers(300, 1))
