"""Rows with all that is awkward on a wire, a model that answers them, and every way to ask a service for the answer."""

from __future__ import annotations

import base64
import csv
import datetime
import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa

WIDE = 2**53 + 1

ORDERS = pd.DataFrame(
    {
        "units": [WIDE, -(2**62) - 1, 0, 7, 2**63 - 1, -1],
        "maybe": pd.array([WIDE, None, 3, -5, None, 0], dtype="Int64"),
        "price": [0.1, np.nan, 1e-7, 12345.678, -2.5, 1e300],
        "single": np.array([0.1, 2.5, -1e-3, 1e30, 3.0, 7.25], np.float32),
        "city": ["Köln", None, 'the "old", town', "two\nlines", "Ulm\t", "x"],
        "tier": pd.Categorical(["gold", "tin", None, "tin", "gold", "gold"], categories=["tin", "gold", "none"]),
        "day": pd.to_datetime(
            ["2024-01-01", "2024-02-29 13:14:15.678901", None, "2024-07-31", "2024-12-31", "1969-01-02"],
            format="ISO8601",
        ),
        "seen": pd.to_datetime(
            ["2024-01-01T00:30+02:00", "2024-02-29T01:00+02:00", None, *["2024-05-05T05:05+02:00"] * 3], utc=True
        ),
        "vip": [True, False, True, True, False, False],
        "known": pd.array([True, None, False, True, None, False], dtype="boolean"),
    }
)
NUMBERS = np.array([[0.1, 1.5, 2.25], [1e-7, 0.3, 0.0], [4.0, 5.5, -0.2], [1e300, -1e-300, 3.0]])


def of_orders(df: pd.DataFrame) -> pd.DataFrame:
    """Each column is seen in the answer, by its value or by what only its dtype can tell."""
    tier = df.tier.cat.codes.to_numpy()
    days = (
        df.day.astype("datetime64[ns]").astype("int64").to_numpy()
        + df.seen.astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    )
    maybe, known = df.maybe.fillna(-1).to_numpy(np.int64), df.known.astype("Int64").fillna(2).to_numpy(np.int64)
    return pd.DataFrame(
        {
            "units": df.units ^ 1,
            "maybe": maybe - 1,
            "score": np.log1p(df.price.abs().fillna(0.3)) + df.single.to_numpy() + tier / 7 + df.vip + known / 3,
            "single": df.single * np.float32(3),
            "city": df.city.fillna("nowhere") + df.tier.astype(object).fillna("?").astype(str),
            "days": days,
            "vip": ~df.vip,
            "price": df.price,
        }
    )


def of_numbers(x: Any) -> Any:
    """One number per row of an array."""
    return np.log1p(np.abs(x)).sum(axis=1) / 3


def calm(df: Any) -> Any:
    """Answers whatever it can be given."""
    return np.arange(len(df), dtype=float)


def same(df: pd.DataFrame) -> pd.DataFrame:
    """Answers what it was given."""
    return df


def scores(df: pd.DataFrame) -> pd.Series:
    """Of people, as the README has them."""
    return df.age * 2.0 + (df.plan == "pro")


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON has them: missing values None, dates in ISO 8601."""
    columns = {name: [_value(value) for value in frame[name].array] for name in frame}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _value(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return None
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, np.float32):
        return float(str(value))  # as it is written: 0.1
    return value.item() if isinstance(value, np.generic) else value


def columns_of(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [record[name] for record in records] for name in records[0]}


def delimited(records: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    """The records as Python's own csv writes them."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def undelimited(content: bytes, delimiter: str = ",") -> list[dict[str, Any]]:
    """The records of a CSV, each value as text."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))


def stream(table: pa.Table, new: Any = pa.ipc.new_stream, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with new(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def unstreamed(content: bytes) -> pa.Table:
    opened = pa.ipc.open_file(content) if content.startswith(b"ARROW1") else pa.ipc.open_stream(content)
    return opened.read_all()


def answered(content: bytes) -> list[dict[str, Any]]:
    """The rows of an answer in Arrow; pandas would make floats of whole numbers, where some are missing."""
    return [{name: _value(value) for name, value in row.items()} for row in unstreamed(content).to_pylist()]


ARROW = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"
EVENT = {"ce-specversion": "1.0", "ce-id": "7", "ce-source": "/orders", "ce-type": "order.placed"}
Answered = list[dict[str, Any]]
Way = Callable[[httpx.Client, str, pd.DataFrame], Answered]


def ask(
    client: httpx.Client, path: str, content: Any, type: str = "application/json", **headers: str
) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    answer = client.post(path, content=body, headers={"content-type": type, **headers})
    assert answer.status_code == 200, answer.text
    return answer


def _records(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    return [ask(client, "/predict", record).json() for record in plain(frame)]


def _list(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    found: Answered = ask(client, "/predict", plain(frame)).json()
    return found


def _columns(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    return _rows(ask(client, "/predict", columns_of(plain(frame))).json())


def _rows(columns: dict[str, list[Any]]) -> Answered:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


V2_TYPES = {"units": "INT64", "maybe": "INT64", "price": "FP64", "single": "FP32", "vip": "BOOL", "known": "BOOL"}


def tensors(frame: pd.DataFrame) -> dict[str, Any]:
    columns = columns_of(plain(frame))
    inputs = [
        {"name": name, "shape": [len(frame)], "datatype": V2_TYPES.get(name, "BYTES"), "data": values}
        for name, values in columns.items()
    ]
    return {"inputs": inputs}


def _of_tensors(said: dict[str, Any]) -> Answered:
    return _rows({output["name"]: output["data"] for output in said["outputs"]})


def _v2(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    return _of_tensors(ask(client, f"/v2/models/{name}/infer", tensors(frame)).json())


def _predictions(path: str, form: str, make: Callable[[pd.DataFrame], Any], **more: Any) -> Way:
    def way(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
        said = {form: make(frame), **more}
        found: Answered = ask(client, path.format(name), said).json()["predictions"]
        return found

    return way


def split(frame: pd.DataFrame) -> dict[str, Any]:
    records = plain(frame)
    return {"columns": list(frame), "index": list(range(len(frame))), "data": [list(r.values()) for r in records]}


def _listed(frame: pd.DataFrame) -> list[list[Any]]:
    return [list(record.values()) for record in plain(frame)]


def _as_columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    return columns_of(plain(frame))


def _mlflow_csv(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    content = delimited(plain(frame))
    found: Answered = ask(client, "/invocations", content, "text/csv; charset=utf-8").json()["predictions"]
    return found


def _csv_to_json(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    content = delimited(plain(frame))
    found: Answered = ask(client, "/predict", content, "text/csv", accept="application/json").json()
    return found


def _tsv_to_lines(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    content = delimited(plain(frame), "\t")
    answer = ask(client, "/", content, "text/tab-separated-values", accept="application/x-ndjson")
    return [json.loads(line) for line in answer.text.split("\n") if line]


def _lines(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    content = b"\n".join(json.dumps(record).encode() for record in plain(frame))
    answer = ask(client, "/predict", content, "application/jsonl")
    assert answer.headers["content-type"] == "application/jsonl"
    return [json.loads(line) for line in answer.text.split("\n") if line]


def _arrow(type: str, new: Any, **options: Any) -> Way:
    def way(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
        content = stream(pa.Table.from_pandas(frame, preserve_index=False), new, **options)
        answer = ask(client, "/predict", content, type)
        assert answer.headers["content-type"] == type
        return answered(answer.content)

    return way


def _json_to_arrow(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    return answered(ask(client, "/predict", plain(frame), accept=ARROW).content)


def _structured(data: Callable[[pd.DataFrame], Any], read: Callable[[Any], Answered], path: str = "/") -> Way:
    def way(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
        event = {key[3:]: value for key, value in EVENT.items()} | data(frame)
        answer = ask(client, path.format(name), event, "application/cloudevents+json")
        assert answer.headers["content-type"] == "application/cloudevents+json"
        return read(answer.json())

    return way


def _binary(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    answer = ask(client, "/", plain(frame), **EVENT)
    assert answer.headers["ce-type"] == "io.kserve.inference.response"
    found: Answered = answer.json()
    return found


def _binary_v1(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    answer = ask(client, f"/v1/models/{name}:predict", {"instances": plain(frame)}, **EVENT)
    assert answer.headers["ce-source"] == f"io.kserve.inference.{name}"
    found: Answered = answer.json()["predictions"]
    return found


def _binary_arrow(client: httpx.Client, name: str, frame: pd.DataFrame) -> Answered:
    content = stream(pa.Table.from_pandas(frame, preserve_index=False))
    return answered(ask(client, "/predict", content, ARROW, **EVENT).content)


def _csv_event(frame: pd.DataFrame) -> dict[str, Any]:
    packed = base64.b64encode(stream(pa.Table.from_pandas(frame, preserve_index=False))).decode()
    return {"datacontenttype": ARROW, "data_base64": packed}


def _of_arrow_event(event: dict[str, Any]) -> Answered:
    return answered(base64.b64decode(event["data_base64"]))


WAYS: dict[str, Way] = {
    "records": _records,
    "list": _list,
    "columns": _columns,
    "v2": _v2,
    "mlflow split": _predictions("/invocations", "dataframe_split", split, params={"deep": 1}),
    "mlflow records": _predictions("/invocations", "dataframe_records", plain),
    "mlflow instances": _predictions("/invocations", "instances", plain),
    "mlflow instances in rows": _predictions("/invocations", "instances", _listed),
    "mlflow inputs": _predictions("/invocations", "inputs", _as_columns, signature_name="any"),
    "mlflow csv": _mlflow_csv,
    "v1 instances": _predictions("/v1/models/{}:predict", "instances", plain),
    "v1 inputs in rows": _predictions("/v1/models/{}:predict", "inputs", _listed),
    "v1 inputs in columns": _predictions("/v1/models/{}:predict", "inputs", _as_columns),
    "csv, answered in json": _csv_to_json,
    "tsv, answered in lines": _tsv_to_lines,
    "lines": _lines,
    "arrow": _arrow(ARROW, pa.ipc.new_stream),
    "arrow, compressed": _arrow(ARROW, pa.ipc.new_stream, compression="zstd"),
    "arrow file": _arrow(ARROW_FILE, pa.ipc.new_file, compression="lz4"),
    "json, answered in arrow": _json_to_arrow,
    "event in headers": _binary,
    "event in headers, v1": _binary_v1,
    "event in headers, arrow": _binary_arrow,
    "event": _structured(lambda frame: {"data": plain(frame)}, lambda event: event["data"]),
    "event, v1": _structured(lambda f: {"data": {"inputs": plain(f)}}, lambda e: e["data"]["predictions"]),
    "event, v1 path": _structured(
        lambda f: {"data": {"instances": plain(f)}}, lambda e: e["data"]["predictions"], "/v1/models/{}:predict"
    ),
    "event, v2": _structured(lambda frame: {"data": tensors(frame)}, lambda event: _of_tensors(event["data"])),
    "event, arrow": _structured(_csv_event, _of_arrow_event),
}
"""Each gives the rows of the answer with their values as JSON has them."""
