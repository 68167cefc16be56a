"""A row of a logistic regression over gRPC, beside a bare grpc.aio echo and HTTP: `python benchmarks/serving_grpc.py`.

What counts is the processor time that all processes of the server are charged for a request. The client, grpc.aio in
this process, costs more than most servers: its rates say little. Over gRPC the row is a raw tensor, over HTTP JSON.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import grpc_load
from measure.processes import cpu, end, family, free_port
from models import fit, table

from workbench.api import Workbench
from workbench.data.encoding import dumps
from workbench.data.tensors import to_bytes
from workbench.faces.session import session_of_script
from workbench.operations import load as http
from workbench.patterns.serving.grpc.messages import message
from workbench.spawn.client import warm

CONNECTIONS, SECONDS, ROWS = (1, 16, 64), 4.0, 64
line, X = fit("linear"), table("linear")


def linear(rows: Any) -> Any:
    return line.predict_proba(rows)[:, 1]


def tensors(row: Any) -> bytes:
    """The request of one row."""
    made = message("inference.ModelInferRequest")(model_name="linear")
    made.inputs.add(name="x", datatype="FP64", shape=[1, len(row)])
    made.raw_input_contents.append(to_bytes(row, "FP64"))
    written: bytes = made.SerializeToString()
    return written


def measured(name: str, pids: list[int], asked: Callable[[int], http.Load], floor: dict[int, float]) -> None:
    """A line for each number of connections; `floor` is the echo's processor time, known once it was measured."""
    asked(4)
    for count in CONNECTIONS:
        before = cpu(pids)
        came = asked(count)
        spent = (cpu(pids) - before) / max(1, len(came.times))
        floor.setdefault(count, spent)
        wrong = f"  {dict(came.broken)}" * bool(came.broken)
        p50, p99 = (came.quantile(share) * 1e3 for share in (0.5, 0.99))
        ratio = f"{spent * 1e6:5.0f} µs{spent / floor[count]:6.2f} ×"
        print(f"{name:24}{count:4}{came.rate:9,.0f}/s{p50:8.2f}{p99:8.2f} ms  {ratio}{wrong}", flush=True)


def echo(messages: list[bytes], floor: dict[int, float]) -> None:
    port = free_port()
    command = [sys.executable, "-m", "measure.grpc_echo", str(port)]
    process = subprocess.Popen(command, cwd=Path(__file__).parent, start_new_session=True)
    try:
        measured("grpc.aio echo", [process.pid], over_grpc(f"127.0.0.1:{port}", messages, ""), floor)
    finally:
        end(process)


def over_grpc(address: str, messages: list[bytes], token: str) -> Callable[[int], http.Load]:
    def asked(connections: int) -> http.Load:
        return grpc_load.load(address, messages, token=token, connections=connections, seconds=SECONDS)

    return asked


def service(api: Workbench, messages: list[bytes], floor: dict[int, float], *, fast: bool) -> None:
    served, label = api.serve("linear", grpc=True, fast=fast), "Workbench --fast" if fast else "Workbench"
    pids = family(served.job.process.pid)
    measured(f"{label}, gRPC", pids, over_grpc(served.grpc, messages, str(served.token)), floor)
    url = f"{served.url}/predict"
    bodies = [http.request(url, dumps([row]), str(served.token)) for row in X[:ROWS].tolist()]

    def asked(connections: int) -> http.Load:
        return http.load(url, bodies, connections=connections, seconds=SECONDS)

    measured(f"{label}, HTTP", pids, asked, floor)


def main() -> None:
    warm()
    messages, floor = [tensors(row) for row in X[:ROWS]], dict[int, float]()
    print(f"{'':24}  of  requests     p50     p99       processor, of the echo's ({time.strftime('%d %B %Y')})")
    echo(messages, floor)
    with tempfile.TemporaryDirectory() as name:
        api = Workbench(Path(name) / "home")
        os.environ["WORKBENCH_HOME"] = str(Path(name) / "home")
        try:
            api.model("linear", linear, example=X, session=session_of_script())
            for fast in (False, True):
                service(api, messages, floor, fast=fast)
        finally:
            api.shutdown(all=True)


if __name__ == "__main__":
    main()
