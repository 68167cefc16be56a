"""Files that are closed by rows or time while a stream goes on; records that are Arrow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from stream_parts import Until, caught_up, expected, predictor, queued, rows, stream

from workbench.data import places
from workbench.patterns.streaming.put import put


def closed(folder: Path, ending: str) -> list[Path]:
    """The files that were closed, the oldest first."""
    found = folder.glob(f"out-*.{ending}")
    return sorted(found, key=lambda path: (path.stem.rpartition("-")[0], int(path.stem.rpartition("-")[2])))


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        return list(pd.read_csv(path).to_dict("records"))
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_file_is_closed_after_so_many_rows(ending: str, tmp_path: Path) -> None:
    output = tmp_path / f"out.{ending}"
    for first in (20, 43, 66):  # three lives of the stream
        put("queue:rows", rows(first, first + 23))
        stream(str(output), most=5, part_rows=10)
    parts = closed(tmp_path, ending)
    sizes = [len(read(part)) for part in parts]
    assert all(10 <= size < 15 for size in sizes)
    found = [row for part in [*parts, *([output] if output.exists() else [])] for row in read(part)]
    assert [row["n"] for row in found] == list(range(20, 89))
    assert all(row["score"] == row["n"] * 0.5 for row in found)


def test_a_file_is_closed_after_a_time(tmp_path: Path) -> None:
    put("queue:rows", rows(20, 23))
    output = tmp_path / "out.jsonl"
    stream(str(output), part_seconds=0.05, control=Until(lambda _: bool(closed(tmp_path, "jsonl"))))
    (part,) = closed(tmp_path, "jsonl")
    assert read(part) == expected(20, 23)
    assert not output.exists()


def test_records_are_rows_of_arrow(tmp_path: Path) -> None:
    log = places.log("queue:rows")
    tables = [pa.table({name: [value] for name, value in row.items()} | {"more": [1.5]}) for row in rows(20, 24)]
    values = [_ipc(table) for table in tables]
    two = _ipc(pa.concat_tables([tables[0]] * 2))
    log.append([*values[:2], b"\xff\x00 none", two, *values[2:]])
    log.close()
    stream(str(tmp_path / "out.jsonl"), form="arrow", model=predictor(), control=Until(caught_up))
    found = read(tmp_path / "out.jsonl")
    assert found == [row | {"more": 1.5} for row in expected(20, 24)]
    reasons = [record.headers["error"] for record in queued("rows.churn.dead") if record.headers]
    assert "no Arrow stream" in reasons[0]
    assert reasons[1] == "a record is one row, and this Arrow stream has 2"


def _ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
