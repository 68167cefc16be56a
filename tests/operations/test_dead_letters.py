"""Dead letters of a stream that runs: looked at, put right, given to it again; and a stream that reads on elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from batch_models import row_wise
from customer_models import CUSTOMERS

from workbench.api import Workbench
from workbench.data import places
from workbench.errors import BadInput, UsageError


@pytest.fixture
def stream(api: Workbench, tmp_path: Path) -> Any:
    """A stream that found two dead letters among its records."""
    api.model("churn", row_wise, example=CUSTOMERS)
    rows = json.loads(CUSTOMERS.to_json(orient="records", date_format="iso"))
    api.put("queue:rows", [*rows[:3], rows[3] | {"age": "29 years"}, *rows[4:]], key="city")
    log = places.log("queue:rows")
    log.append([b"{no record"])
    log.close()
    found = api.stream("churn", "queue:rows", output=str(tmp_path / "a.jsonl"))
    return found.until(lambda facts: facts.get("dead") == 2 and facts.get("lag") == 0)


def answered(stream: Any, count: int) -> list[Any]:
    stream.until(lambda facts: facts.get("records") == count and facts.get("lag") == 0)
    return [json.loads(line)["age"] for line in Path("a.jsonl").read_text().splitlines()]


def test_they_are_put_right_and_replayed(api: Workbench, stream: Any) -> None:
    letters = api.dead_letters("churn")
    assert "2 dead letters" in str(letters)
    assert "29 years" in str(letters)
    assert "not JSON" in str(letters)
    assert f"dead-letters {stream.name}" in str(stream)
    frame = letters.frame()
    assert frame.offset.tolist() == [4, 7]
    assert frame.key.tolist()[0] == "Ulm"
    frame["value"] = frame.value.str.replace('"29 years"', "29")
    said = str(api.dead_letters("churn", replay=True, rows=frame.head(1)))
    assert api.tail("queue:rows.churn.again")[-1].at == api.tail("queue:rows", most=6)[3].at  # when it happened
    assert "1 record given to it again" in said
    assert answered(stream, 6)[-1] == 29
    assert len(api.dead_letters("churn")) == 0
    assert "nothing to replay" in str(api.dead_letters("churn", replay=True))


def test_what_is_still_wrong_dies_again_and_is_discarded(api: Workbench, stream: Any) -> None:
    api.dead_letters("churn", replay=True)
    stream.until(lambda facts: facts["dead"] == 4 and facts["lag"] == 0)
    again = api.dead_letters("churn").frame()
    assert again.offset.tolist() == ["again:1", "again:2"]
    assert "2 records discarded" in str(api.dead_letters("churn", discard=True))
    assert "no dead letters" in str(api.dead_letters("churn"))


def test_rows_in_their_place(api: Workbench, stream: Any) -> None:
    api.dead_letters("churn", replay=True, rows=CUSTOMERS.tail(2))
    assert answered(stream, 7)[-2:] == [64, 38]


def test_what_is_asked_wrongly(api: Workbench, stream: Any) -> None:
    frame = api.dead_letters("churn").frame()
    with pytest.raises(BadInput, match="no dead letter has the offset 99"):
        api.dead_letters("churn", replay=True, rows=frame.assign(offset=99))
    for wrong in ({"rows": frame}, {"replay": True, "discard": True}):
        with pytest.raises(UsageError):
            api.dead_letters("churn", **wrong)
    assert len(api.dead_letters("churn")) == 2


def test_it_reads_on_from_another_place(api: Workbench, stream: Any) -> None:
    assert "reads on from 4" in str(api.seek("churn", 4))
    assert answered(stream, 7) == [31, 42, 53, 64, 38, 64, 38]
    with pytest.raises(UsageError, match="'tomorrow' is no place"):
        api.seek("churn", "tomorrow")
    api.pause("churn")
    with pytest.raises(UsageError, match="stream/churn is paused"):
        api.seek("churn", "start")
