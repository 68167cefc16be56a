"""One table, scored by each pattern, on this machine or on an engine: whether that is what the kernel answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
from customer_models import CUSTOMERS, array_model, frame_model
from waiting import until

from workbench.api import Workbench
from workbench.bundle.equal import difference
from workbench.inference.answer import answer_table

ROWS = pd.concat([CUSTOMERS] * 50, ignore_index=True)
NUMBERS = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=["a", "b", "c"])
MODELS = {"frame": (frame_model, ROWS), "array": (array_model, NUMBERS)}
PATIENCE = 300.0
Pattern = Callable[..., pd.DataFrame]


def offline(api: Workbench, table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    return api.predict("churn", table)


def batch(api: Workbench, table: pd.DataFrame, folder: Path, **how: Any) -> pd.DataFrame:
    table.to_parquet(folder / "in.parquet", index=False)
    api.batch("churn", str(folder / "in.parquet"), output=str(folder / "out"), wait=True, **how)
    return pd.read_parquet(folder / "out")


def serving(api: Workbench, table: pd.DataFrame, folder: Path, **how: Any) -> pd.DataFrame:
    service = api.serve("churn", **how)
    headers = {"Authorization": f"Bearer {service.token}"}
    answer = httpx.post(f"{service.url}/predict", headers=headers, content=records(table), timeout=60)
    assert answer.status_code == 200, answer.text
    return pd.DataFrame(answer.json())


def streaming(api: Workbench, table: pd.DataFrame, folder: Path, **how: Any) -> pd.DataFrame:
    stream = api.stream("churn", "queue:rows", output=str(folder / "out.jsonl"), **how)
    api.put("queue:rows", table)
    stream.until(lambda facts: facts.get("records") == len(table) and not facts.get("lag"), timeout=PATIENCE)
    return read(folder / "out.jsonl")


def arriving(api: Workbench, table: pd.DataFrame, folder: Path, **how: Any) -> pd.DataFrame:
    """As a stream of files has it, a record a line."""
    (folder / "inbox").mkdir()
    api.stream("churn", str(folder / "inbox"), output=str(folder / "out.jsonl"), **how)
    (new := folder / "new").write_text(records(table, lines=True))
    new.rename(folder / "inbox" / "rows.jsonl")
    out = folder / "out.jsonl"
    until(lambda: out.is_file() and len(out.read_bytes().splitlines()) == len(table), "", PATIENCE)
    return read(out)


def records(table: pd.DataFrame, *, lines: bool = False) -> str:
    return str(table.to_json(orient="records", lines=lines, date_format="iso", double_precision=15))


def read(file: Path) -> pd.DataFrame:
    return pd.read_json(file, lines=True, precise_float=True)


def agree(api: Workbench, kind: str, folder: Path, *patterns: Pattern) -> None:
    """A model of this kind is asked by each pattern, and answers what the kernel does."""
    function, table = MODELS[kind]
    given = table if kind == "frame" else table.to_numpy()
    api.model("churn", function, example=given)
    expected = answer_table(function(given), len(table), name="churn")
    for pattern in patterns:
        there = pattern(api, table, folder)
        kept = there[list(expected)].astype({name: values.dtype for name, values in expected.items()})
        assert not difference(expected, answer_table(kept, len(table)), exact=False), pattern
