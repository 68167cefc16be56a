"""What it costs to keep what is asked, and how quickly it is read back: `python benchmarks/request_log.py`.

A logistic regression of 30 numbers is asked for one row a request over 64 connections, with `--log-requests` and
without, by turns in one run. What was written down becomes columns later, by another process: that is measured apart,
on what is left when the service has ended. Then its log is made as long as a week of such traffic: segments as the
service itself has written them, each again at other times, and the last hour is read back as a frame.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from measure.processes import cpu, family
from models import fit, table

from workbench import paths
from workbench.api import Workbench
from workbench.data.encoding import dumps
from workbench.faces.session import session_of_script
from workbench.jobs.store import Store
from workbench.monitoring import gathered, segments, spool
from workbench.operations import load as http
from workbench.spawn.client import warm

CONNECTIONS, SECONDS, ROUNDS = 64, 5.0, 3
WEEK, HOUR = 7 * 86400.0, 3600.0
line, X = fit("linear"), table("linear")


def linear(rows: Any) -> Any:
    return line.predict_proba(rows)[:, 1]


def asked(service: Any) -> tuple[float, float]:
    """Answers a second, and the processor time of each in seconds."""
    url, pids = f"{service.url}/predict", family(service.job.process.pid)
    messages = [http.request(url, dumps([row]), str(service.token)) for row in X.tolist()]
    before = cpu(pids)
    came = http.load(url, messages, connections=CONNECTIONS, seconds=SECONDS)
    assert not came.broken, came.broken
    return came.rate, (cpu(pids) - before) / len(came.times)


def cost(api: Workbench) -> None:
    """Both services by turns, so that what else the machine does meets both."""
    ways = {"without a log": False, "with a log": True}
    services = {said: api.serve("linear", name=f"kept-{log}", log_requests=log) for said, log in ways.items()}
    turns = [{said: asked(service) for said, service in services.items()} for _ in range(ROUNDS)]
    seen = {said: [turn[said] for turn in turns] for said in ways}
    (rate, spent), *_ = found = [tuple(map(statistics.median, zip(*each, strict=True))) for each in seen.values()]
    for said, (answers, each) in zip(ways, found, strict=True):
        less, more = 100 * (1 - answers / rate), 100 * (each / spent - 1)
        print(
            f"{said:14}{answers:9,.0f}/s  {each * 1e6:5.1f} µs of the processor  {less:5.1f} % less, {more:5.1f} % more"
        )
    for service in services.values():
        service.stop()


def settled(folder: Path) -> list[Path]:
    """What was written down, once what the service began to make of it is over."""
    before = None
    while (files := sorted(folder.iterdir())) != before:
        before = files
        time.sleep(3.0)
    return [file for file in files if file.suffix == spool.ENDING]


def columns(api: Workbench) -> Path:
    """What it costs later to make columns of what was written down, in a process of low priority; the log's folder."""
    folder = Store(paths.state(api.home)).job_folder("service/kept-True") / "requests"
    files = settled(folder)
    count = sum(len(batch.lines) for file in files for batch in spool.batches(file))
    began = time.process_time()
    segments.compact(folder, "linear", api.registry, seconds=WEEK, most_bytes=1e12)
    spent = time.process_time() - began
    print(f"columns made of it later: {spent / count * 1e6:.1f} µs of the processor a request, {count:,} requests")
    return folder


def lengthened(folder: Path, rows: int) -> None:
    """A log of so many rows over the last week, without what was asked just now."""
    made = sorted(folder.glob("*.parquet"))
    one = pq.read_table(made[0])
    for file in made:
        file.unlink()
    count = -(-rows // one.num_rows)
    place, now = one.column_names.index(f"{gathered.OWN}at"), time.time()
    for number in range(count):
        ends = now - WEEK * number / count
        first = pa.scalar(datetime.fromtimestamp(ends - WEEK / count, UTC), one.schema.field(place).type)
        step = pa.scalar(int(WEEK / count / one.num_rows * 1e6), pa.int64())
        after = pa.array(range(one.num_rows), pa.int64())
        times = pc.add(first.cast(pa.int64()), pc.multiply(after, step)).cast(one.schema.field(place).type)
        file = folder / f"0-1-{count - number:06}-v1.parquet"
        pq.write_table(one.set_column(place, one.schema.field(place), times), file, compression="zstd")
        os.utime(file, (ends, ends))
    print(f"{count} segments, {sum(f.stat().st_size for f in folder.glob('*.parquet')) / 1e6:,.0f} MB", flush=True)


def read_back(api: Workbench) -> None:
    for since in ("1h", "1d"):
        begun = time.perf_counter()
        frame = api.requests("kept-True", since=since)
        print(f"requests --since {since}: {len(frame):9,} rows in {time.perf_counter() - begun:.2f} s", flush=True)
    begun = time.perf_counter()
    frame = api.requests("kept-True", last=10_000)
    print(f"requests -n 10000:    {len(frame):9,} rows in {time.perf_counter() - begun:.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    given = parser.parse_args()
    warm()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKBENCH_HOME"] = folder
        api = Workbench(Path(folder))
        try:
            api.model("linear", linear, example=X, session=session_of_script())
            cost(api)
            lengthened(columns(api), given.rows)
            read_back(api)
        finally:
            api.shutdown(all=True)


if __name__ == "__main__":
    main()
