"""What a task says of its records, and what the process that writes makes of it; without Spark itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from export_models import ROWS, first

from workbench.api import Workbench
from workbench.bundle.version import ModelVersion
from workbench.engines.spark_answers import answering, batches
from workbench.engines.spark_task import Told
from workbench.patterns.streaming.batches import Batch


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    home = tmp_path_factory.mktemp("home")
    found: ModelVersion = Workbench(home).model("churn", first, example=ROWS)
    return Told(found.ref, str(found.folder), "", str(home), {})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "answers").mkdir()
    return tmp_path / "answers"


def answered(told: Told, place: Path | None, *columns: dict[str, list[Any]], epoch: int = 2) -> list[Batch]:
    """What comes of micro-batches with these columns."""
    given = [pa.RecordBatch.from_pydict(one) for one in columns]
    return list(batches(pa.Table.from_batches(list(answering(told, "json", place)(iter(given)))), epoch))


def text(a: object) -> bytes:
    return json.dumps({"a": a, "b": 0.0}).encode()


def test_lines_of_files_are_counted_through_all_pieces(told: Told, place: Path) -> None:
    begin = 2 << 32
    [batch] = answered(told, place, {"value": [text(1.0), text("none"), text(2.0)]}, {"value": [text(3.0), b"no"]})
    assert (batch.first, batch.last, batch.lane) == (begin + 1, begin + 5, "")
    assert [record.offset - begin for record in batch.records] == [1, 3, 4]
    assert [json.loads(line)["a"] for line in batch.lines] == [1.0, 2.0, 3.0]
    assert [(one.record.offset - begin, one.record.value) for one in batch.dead] == [(2, text("none")), (5, b"no")]
    assert not list(place.iterdir())


def test_records_of_kafka_keep_their_lanes_and_offsets(told: Told, place: Path) -> None:
    late = {"value": [text(3.0), text(4.0)], "lane": ["0", "1"], "offset": [9, 5]}
    early = {"value": [text(1.0), b"no"], "lane": ["0", "0"], "offset": [7, 8]}
    zero, one = answered(told, place, late, early)
    assert (zero.lane, zero.first, zero.last, [r.offset for r in zero.records]) == ("0", 7, 9, [7, 9])
    assert [json.loads(line)["a"] for line in zero.lines] == [1.0, 3.0]
    assert [(dead.record.offset, dead.record.lane) for dead in zero.dead] == [(8, "0")]
    assert (one.lane, one.first, one.last, one.records[0].value) == ("1", 5, 5, text(4.0))


def test_answers_that_cannot_lie_in_the_folder_come_all_the_same(told: Told, place: Path) -> None:
    columns = {"value": [text(1.0)]}
    [here], [far], [gone] = (answered(told, at, columns) for at in (place, None, place / "absent"))
    assert here.lines == far.lines == gone.lines
    assert not answered(told, place, {"value": pa.array([], pa.binary())})
