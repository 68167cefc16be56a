"""A row at which the model's process ends is put aside with its reason, and the others are answered."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from batch_models import deadly
from waiting import PATIENCE

from workbench.api import Workbench

AGES = [*range(60, 72), 99, *range(72, 80)]
LIVE = [age for age in AGES if age not in (66, 99)]


def test_of_a_stream(api: Workbench, tmp_path: Path) -> None:
    api.model("deadly", deadly, example=pd.DataFrame({"age": range(20, 60)}))
    stream = api.stream("deadly", "queue:ages", output="out.jsonl")
    api.put("queue:ages", pd.DataFrame({"age": AGES}))
    stream.until(lambda facts: facts.get("lag") == 0 and facts.get("dead") == 2, timeout=PATIENCE)
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert answers == [{"age": age, "prediction": age * 2.0} for age in LIVE]
    dead = [(json.loads(r.value)["age"], r.headers and r.headers["error"]) for r in api.tail("queue:ages.deadly.dead")]
    ended = "deadly@1 ended its process:"
    assert dead == [(66, f"{ended} Segmentation fault (signal 11)"), (99, f"{ended} Aborted (signal 6)")]
    card = str(api.status("stream/deadly"))
    assert f"the newest: {ended} Aborted (signal 6) → %workbench dead-letters stream/deadly" in card


def test_of_a_batch(api: Workbench, tmp_path: Path) -> None:
    api.model("deadly", deadly, example=pd.DataFrame({"age": range(20, 60)}))
    pd.DataFrame({"age": AGES}).to_csv("ages.csv", index=False)
    run = api.batch("deadly", "ages.csv", output="out.csv", wait=True)
    assert pd.read_csv("out.csv")["age"].tolist() == LIVE
    rejects = [json.loads(line) for line in (tmp_path / "out.csv.rejects.jsonl").read_text().splitlines()]
    assert [(one["row"], one["record"]["age"]) for one in rejects] == [(6, "66"), (12, "99")]
    assert "ended its process: Segmentation fault" in rejects[0]["reason"]
    assert "2 rows refused" in str(run)
