"""One table, scored in the kernel, offline, in a batch, over HTTP and through a stream: the answers are equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from customer_models import CUSTOMERS, array_model, frame_model

from workbench.api import Workbench
from workbench.bundle.equal import difference
from workbench.inference.answer import answer_table

ROWS = pd.concat([CUSTOMERS] * 50, ignore_index=True)
NUMBERS = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=["a", "b", "c"])
MODELS = {"frame": (frame_model, ROWS), "array": (array_model, NUMBERS)}


def offline(api: Workbench, model: str, table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    return api.predict(model, table)


def batch(api: Workbench, model: str, table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    table.to_parquet(folder / "in.parquet", index=False)
    api.batch(model, str(folder / "in.parquet"), output=str(folder / "out"), wait=True)
    return pd.read_parquet(folder / "out")


def serving(api: Workbench, model: str, table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    service = api.serve(model)
    records = table.to_json(orient="records", date_format="iso", double_precision=15)
    answer = httpx.post(f"{service.url}/predict", headers={"Authorization": f"Bearer {service.token}"}, content=records)
    assert answer.status_code == 200, answer.text
    return pd.DataFrame(answer.json())


def streaming(api: Workbench, model: str, table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    output = folder / "out.jsonl"
    stream = api.stream(model, "queue:rows", output=str(output))
    api.put("queue:rows", table)
    stream.until(lambda facts: facts.get("records") == len(table) and not facts.get("lag"))
    return pd.read_json(output, lines=True, precise_float=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("pattern", [offline, batch, serving, streaming], ids=lambda f: f.__name__)
def test_every_pattern_answers_what_the_kernel_answers(pattern: Any, kind: str, api: Workbench, tmp_path: Path) -> None:
    function, table = MODELS[kind]
    given = table if kind == "frame" else table.to_numpy()
    api.model("churn", function, example=given)
    expected = answer_table(function(given), len(table), name="churn")
    there = pattern(api, "churn", table, tmp_path)
    kept = there[list(expected)].astype({name: values.dtype for name, values in expected.items()})
    answered = answer_table(kept, len(table))
    assert not difference(expected, answered, exact=False)
