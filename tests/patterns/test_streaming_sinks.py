"""Each sink of a stream has every record exactly once; what is wrong with one is told, and nothing of it is lost."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ports import free_port
from stream_parts import Until, caught_up, expected, part_rows, predictor, queued, rows, scores, service, stream

from workbench.data import places
from workbench.data.log import Log
from workbench.data.log_groups import Group
from workbench.errors import StorageError, UsageError
from workbench.patterns.streaming import parquet_sink
from workbench.patterns.streaming.batches import Asking
from workbench.patterns.streaming.put import put
from workbench.patterns.streaming.sinks import QueueSink, open_sink

SOURCE = "rows/churn/1"


def read_csv(path: Path) -> list[dict[str, Any]]:
    frame = pd.read_csv(path, dtype={"city": object}, keep_default_na=False, na_values={"city": [""]})
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def read_sql(path: Path, table: str = "scores") -> list[dict[str, Any]]:
    with sqlite3.connect(path) as connection:
        cursor = connection.execute(f"select * from {table} order by rowid")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def read_lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text[:-1].split("\n")]


@pytest.fixture(autouse=True)
def parts_appear_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is written as soon as nothing more comes."""
    monkeypatch.setattr(parquet_sink, "PART_SECONDS", 0.05)


Reader = Callable[[], list[dict[str, Any]]]
KINDS = ["jsonl", "csv", "tsv", "parquet", "sqlite", "http", "queue"]


@pytest.fixture(params=KINDS)
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Reader]]:
    """The place of a sink, and what reads it."""
    kind = request.param
    if kind == "http":
        with service() as server:
            yield server.url, lambda: server.records
        return
    path = tmp_path / f"out.{kind}"
    places_and_readers: dict[str, tuple[str, Reader]] = {
        "jsonl": (str(path), lambda: read_lines(path)),
        "csv": (str(path), lambda: read_csv(path)),
        "tsv": (str(path), lambda: pd.read_csv(path, sep="\t").replace({np.nan: None}).to_dict("records")),
        "parquet": (str(path), lambda: part_rows(path)),
        "sqlite": (f"sqlite:///{path}?table=scores", lambda: read_sql(path)),
        "queue": ("queue:answers", lambda: [json.loads(record.value) for record in queued("answers")]),
    }
    yield places_and_readers[kind]


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    assert [row["n"] for row in found] == [row["n"] for row in wanted]
    assert found == wanted


def test_each_record_once_over_several_lives(sink: tuple[str, Reader]) -> None:
    """It ends and begins again where it was, with other micro-batches."""
    place, read = sink
    for first, last, most in ((100, 120, 7), (120, 121, 50), (121, 160, 11)):
        put("queue:rows", rows(first, last))
        control = stream(place, most=most)
        assert control.seen == control.seen | {"lag": 0, "records": last - first, "dead": 0, "offset": last - 100}
        assert control.states == [("ready", "")]
        same(read(), expected(100, last))
    stream(place)
    same(read(), expected(100, 160))


def test_keys_and_event_times_as_columns(sink: tuple[str, Reader]) -> None:
    """Of the type that a sink has for times; a record that has such a field itself keeps its own."""
    place, read = sink
    came, (plain, own) = places.log("queue:rows"), rows(4, 6)
    values = [json.dumps(row).encode() for row in (plain, own | {"who": "mine"})]
    came.append(values, ["LGA", "JFK"], times=[1_388_534_400.25, 1_388_534_401.0])
    came.close()
    stream(place, key_as="who", time_as="when")
    found = read()
    assert [row["who"] for row in found] == ["LGA", "mine"]
    times = pd.to_datetime([str(row["when"]) for row in found], format="ISO8601", utc=True)
    assert [time.timestamp() for time in times] == [1_388_534_400.25, 1_388_534_401.0]
    assert isinstance(found[0]["when"], datetime) == place.endswith(".parquet")
    same([{name: row[name] for name in expected(4, 5)[0]} for row in found], expected(4, 6))


def test_a_poison_record_dies_alone(sink: tuple[str, Reader]) -> None:
    place, read = sink
    poison = [b"{not json", b'"text"', b"{}", b"\xff\xfe"]
    wrong = [{"n": "many", "amount": 1, "city": None}, {"n": 1, "amount": 1, "city": 5}, {"n": 13, "amount": 1.0}]
    raising = {"n": 13, "amount": 1.0, "city": None}
    lacking = {"n": 1, "amount": 1.0}
    log = places.log("queue:rows")
    good = rows(100, 140)
    put("queue:rows", good[:10])
    log.append(poison, ["a", "b", "c", "d"])
    put("queue:rows", [*good[10:20], *wrong, *good[20:30], raising, lacking, *good[30:]])
    control = stream(place, most=16)
    same(read(), expected(100, 140))
    dead = queued("rows.churn.dead")
    assert [record.value for record in dead[:4]] == poison
    assert [record.key for record in dead[:4]] == ["a", "b", "c", "d"]
    why = [record.headers["error"] for record in dead if record.headers]
    assert [record.headers["offset"] for record in dead if record.headers] == [11, 12, 13, 14, 25, 26, 27, 38, 39]
    for said, reason in zip(
        ["not JSON", "neither", "neither", "not JSON", "'many'", "'city'", "'city'", "thirteen", "'city'"],
        why,
        strict=True,
    ):
        assert said in reason, why
    assert control.seen["dead"] == len(dead) == 9
    log.close()


def test_a_batch_of_nothing_but_poison(sink: tuple[str, Reader]) -> None:
    place, read = sink
    log = places.log("queue:rows")
    log.append([b"x"] * 20)
    assert stream(place).seen["lag"] == 0
    put("queue:rows", rows(100, 103))
    stream(place)
    same(read(), expected(100, 103))
    assert len(queued("rows.churn.dead")) == 20
    log.close()


@pytest.mark.parametrize("row_wise", [True, False])
def test_what_becomes_of_a_record_does_not_depend_on_its_neighbours(tmp_path: Path, row_wise: bool) -> None:
    """Beside others a field that it lacks could pass for a missing value, and text for a number."""
    odd = [{"n": 5, "city": "a"}, {"n": 6.0, "amount": "2.5", "city": "b"}, {"n": True, "amount": 1, "city": "c"}]
    put("queue:rows", [*rows(1, 4), *odd, *rows(4, 6)])
    for most in (1, 3, 100):
        path = tmp_path / f"{most}.jsonl"
        stream(str(path), group=f"g{most}", most=most, model=predictor(row_wise=row_wise))
        assert len(queued(f"rows.g{most}.dead")) == 1
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "3.jsonl").read_bytes()
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "100.jsonl").read_bytes()


def test_a_model_whose_answers_differ_in_their_columns(tmp_path: Path) -> None:
    def answers(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({f"score_{frame.n[0] % 2}": frame.n})

    put("queue:rows", rows(1, 4))
    stream(str(tmp_path / "a.jsonl"), model=predictor(answers, row_wise=False))
    assert [sorted(row)[-1] for row in read_lines(tmp_path / "a.jsonl")] == ["score_1", "score_0", "score_1"]


def test_records_over_several_lines_and_odd_answers(tmp_path: Path) -> None:
    def answers(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"n": frame.n, "wide": np.array([2**63] * len(frame), "uint64"), "nan": np.nan})

    log = places.log("queue:rows")
    log.append([b' {\n "n": 1,\r\n\t"amount": null, "city": "a\\nb"}\n'])
    for ending in ("jsonl", "parquet"):
        stream(str(tmp_path / f"a.{ending}"), group=ending, model=predictor(answers))
    stream(f"sqlite:///{tmp_path}/a.db?table=scores", group="sql", model=predictor(answers))
    row = {"n": 1, "amount": None, "city": "a\nb", "n_predicted": 1, "wide": 2**63, "nan": None}
    assert read_lines(tmp_path / "a.jsonl") == [row]
    assert part_rows(tmp_path / "a.parquet") == [row | {"wide": str(2**63)}]
    assert read_sql(tmp_path / "a.db") == [row | {"wide": str(2**63)}]
    log.close()


def test_arrays_of_numbers(tmp_path: Path) -> None:
    numbers = predictor(lambda x: x.sum(axis=1), np.zeros((2, 3)))
    put("queue:rows", np.arange(12.0).reshape(4, 3))
    put("queue:rows", [[1, 2], [1, 2, "x"], [1, 2, 3.5]])
    stream(str(tmp_path / "a.jsonl"), model=numbers)
    assert read_lines(tmp_path / "a.jsonl")[3:] == [
        {"x": [9.0, 10.0, 11.0], "prediction": 30.0},
        {"x": [1, 2, 3.5], "prediction": 6.5},
    ]
    assert len(queued("rows.churn.dead")) == 2


def test_fields_of_other_types_and_names_later_on(sink: tuple[str, Reader]) -> None:
    """What the model does not use may be anything, and come and go."""
    place, read = sink
    extra: list[Any] = [None, 1, "text", 2.5, [1, {"a": None}], {"b": True}, True, 2**64 - 1]
    records = [row | {"extra": value} for row, value in zip(rows(1, 9), extra, strict=True)]
    put("queue:rows", [*records, *rows(20, 22)])
    assert stream(place, most=3).seen["dead"] == 0
    found = read()
    assert [row["n"] for row in found] == [*range(1, 9), 20, 21]
    assert "text" in str([row.get("extra") for row in found])


def test_nulls_before_numbers_make_one_table_of_parts(tmp_path: Path) -> None:
    for values in ([None, None], [1, 2], [None], [2.5]):
        put("queue:rows", [{"n": 1, "amount": value, "city": None, "more": value} for value in values])
        stream(str(tmp_path / "a.parquet"))
    frame = pd.read_parquet(tmp_path / "a.parquet", columns=["n", "amount", "city", "score", "label"])
    assert frame.amount.dtype == "float64"
    assert len(frame) == 6


# What is wrong with a sink


def recovering(place: str | list[str], sign: str, repair: Callable[[], None], **spec: Any) -> Until:
    """A stream whose sink is repaired once it said what is wrong with it."""
    repaired = []

    def done(control: Until) -> bool:
        if sign in control.blocked and not repaired:
            repaired.append(control.blocked)
            repair()
        return bool(repaired) and control.states[-1][0] == "ready" and caught_up(control)

    control = stream(place, control=Until(done), **spec)
    assert "nothing lost" in repaired[0]
    return control


def test_a_service_that_is_down_and_comes_back() -> None:
    port = free_port()
    put("queue:rows", rows(1, 30))
    servers = []

    def repair() -> None:
        servers.append(service(port))
        servers.append(servers[0].__enter__())

    recovering(f"http://127.0.0.1:{port}/take.json", "cannot be reached", repair)
    same(servers[1].records, expected(1, 13) + expected(14, 30))
    servers[0].__exit__(None, None, None)


def test_a_service_that_is_not_ready_yet() -> None:
    put("queue:rows", rows(1, 10))
    with service(answer=503) as server:
        recovering(server.url, "answers 503", lambda: setattr(server, "answer", 200))
        same(server.records, expected(1, 10))


@pytest.mark.parametrize(("answer", "said"), [(422, "refuses all of 7 records"), (401, "answers 401")])
def test_a_service_that_refuses_all_stops_the_flow(answer: int, said: str) -> None:
    put("queue:rows", rows(1, 10))
    with service(answer=answer) as server:
        recovering(server.url, said, lambda: setattr(server, "answer", 200))
        same(server.records, expected(1, 10))


def test_a_record_that_a_service_refuses_dies_alone() -> None:
    """The others are there once, under the keys under which they would be sent again."""
    put("queue:rows", rows(1, 30))
    with service(refuses=lambda record: record["n"] in (5, 17)) as server:
        assert stream(server.url, most=10).seen["dead"] == 3
        same(
            sorted(server.records, key=lambda row: row["n"]), [r for r in expected(1, 30) if r["n"] not in (5, 13, 17)]
        )
    assert "refuses it: 422" in died()[0][1]


def test_parts_are_closed_by_rows_or_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a part holds back waits for nobody: it was answered, and its lag is none."""
    monkeypatch.setattr(parquet_sink, "PART_SECONDS", 3600.0)
    put("queue:rows", rows(20, 40))
    control = stream(str(tmp_path / "parts"), most=5, part_rows=10)
    assert sorted(path.name for path in (tmp_path / "parts").glob("part-*")) == [
        "part-000000000001-000000000010.parquet",
        "part-000000000011-000000000020.parquet",
    ]
    put("queue:rows", rows(40, 43))
    done = lambda control: control.seen.get("lag") == 0 and control.seen.get("held") == 3  # noqa: E731
    control = stream(str(tmp_path / "parts"), part_rows=10, control=Until(done))
    assert control.seen["held"] == 0
    put("queue:rows", rows(43, 46))
    stream(str(tmp_path / "parts"), part_seconds=0.05, control=Until(lambda c: c.seen.get("offset") == 26))
    same(part_rows(tmp_path / "parts"), expected(20, 46))


def test_a_clock_that_was_put_back_holds_nothing_up(tmp_path: Path) -> None:
    """What was written while it was an hour ahead."""
    output, ahead = tmp_path / "a.jsonl", time.time() + 3600
    put("queue:rows", rows(1, 3))
    stream(str(output), part_seconds=3600)
    note = tmp_path / ".a.jsonl.offset"
    note.write_text(json.dumps(json.loads(note.read_text()) | {"since": ahead}))
    again = places.log("queue:rows.churn.again")
    again.append([json.dumps(rows(4, 5)[0]).encode()], headers=[{"due": [ahead, 0.02]}])
    again.close()

    def closed() -> list[dict[str, Any]]:
        return [row for path in sorted(tmp_path.glob("a-*.jsonl")) for row in read_lines(path)]

    stream(str(output), part_seconds=0.05, control=Until(lambda _: len(closed()) == 3))
    same(closed(), expected(1, 3) + expected(4, 5))


def test_each_of_several_sinks_has_all(tmp_path: Path) -> None:
    put("queue:rows", [*rows(1, 8), *rows(14, 30)])
    lines, parts, table = tmp_path / "a.jsonl", tmp_path / "parts", tmp_path / "a.db"
    with service() as server:
        places = [str(lines), str(parts), f"sqlite:///{table}?table=scores", server.url, "queue:answers"]
        stream(places)
        put("queue:rows", rows(30, 40))
        stream(places)
        wanted = expected(1, 8) + expected(14, 40)
        same(server.records, wanted)
    same(read_lines(lines), wanted)
    same(part_rows(parts), wanted)
    same(read_sql(table), wanted)
    same([json.loads(record.value) for record in queued("answers")], wanted)


def test_what_one_of_several_sinks_took_is_not_written_again_for_another(tmp_path: Path) -> None:
    put("queue:rows", rows(1, 10))
    with service(answer=503) as server:
        recovering([str(tmp_path / "a.jsonl"), server.url], "answers 503", lambda: setattr(server, "answer", 200))
        same(server.records, expected(1, 10))
    same(read_lines(tmp_path / "a.jsonl"), expected(1, 10))


def test_a_record_that_the_model_failed_at_is_asked_about_again(tmp_path: Path) -> None:
    """Later, so that others go on; what cannot be read is not asked about again."""
    put("queue:rows", [*rows(1, 3), {"n": "x"}, *rows(3, 6)])
    failures = {2: 1, 4: 3}

    def fails(frame: pd.DataFrame) -> pd.DataFrame:
        for n in frame.n if len(frame) == 1 else []:
            failures[n] = failures.get(n, 0) - 1
            if failures[n] >= 0:
                raise RuntimeError(f"down for {n}")
        if set(frame.n) & {2, 4} and len(frame) > 1:
            raise RuntimeError("one of them")
        return scores(frame)

    control = stream(str(tmp_path / "a.jsonl"), model=predictor(fails), retries=2, retry_delay=0.05)
    assert [row["n"] for row in read_lines(tmp_path / "a.jsonl")] == [1, 3, 5, 2]
    assert (control.seen["dead"], control.seen["again"]) == (2, 3)
    letters = queued("rows.churn.dead")
    assert [json.loads(letter.value)["n"] for letter in letters] == ["x", 4]
    assert letters[1].headers
    assert "in fails" in letters[1].headers["traceback"]
    assert "down for 4" in letters[1].headers["error"]


def test_records_that_are_lines_of_csv(tmp_path: Path) -> None:
    """In the order of the example's columns; those that die are as they came."""
    log = places.log("queue:rows")
    lines = [
        b'1,0.25,"K\xc3\xb6ln, alt"',
        b"2,,\r\n",
        b"many,1,x",
        b"3,1",
        b"\xff,1,x",
        b"13,1,x",
        b'4,1,"open',
        b"5,2,y",
    ]
    log.append(lines)
    stream(str(tmp_path / "a.jsonl"), form="csv")
    assert [(row["n"], row["amount"], row["city"], row["score"]) for row in read_lines(tmp_path / "a.jsonl")] == [
        (1, 0.25, "Köln, alt", 0.5),
        (2, None, None, 1.0),
        (5, 2, "y", 2.5),
    ]
    assert [record.value for record in queued("rows.churn.dead")] == lines[2:7]
    assert "the line has 2 values, and the model takes 3: n, amount, city" in died()[1][1]


def test_records_that_are_bare_text(tmp_path: Path) -> None:
    log = places.log("queue:rows")
    log.append([b"late again", b'"quoted"', b"\xff"])
    words = predictor(lambda frame: frame.text.str.len(), pd.DataFrame({"text": ["a", "bc"]}))
    stream(str(tmp_path / "a.jsonl"), form="text", model=words)
    assert [(row["text"], row["prediction"]) for row in read_lines(tmp_path / "a.jsonl")] == [
        ("late again", 10),
        ('"quoted"', 8),
    ]
    assert len(died()) == 1


@pytest.mark.parametrize("kind", ["jsonl", "sqlite", "http", "queue"])
def test_what_is_read_from_another_place_is_written_again(kind: str, tmp_path: Path) -> None:
    put("queue:rows", rows(1, 10))
    asked, answers = [("5", lambda said: answers.append(said))], list[str]()
    with service() as server:
        place = {"jsonl": str(tmp_path / "a.jsonl"), "sqlite": f"sqlite:///{tmp_path}/a.db?table=scores"}.get(kind)
        to = place or {"http": server.url, "queue": "queue:answers"}[kind]
        stream(to)
        stream(
            to, sought=lambda: asked.pop() if asked else None, control=Until(lambda c: caught_up(c) and bool(answers))
        )
        stream(to)
        found = {
            "jsonl": lambda: read_lines(tmp_path / "a.jsonl"),
            "sqlite": lambda: read_sql(tmp_path / "a.db"),
            "http": lambda: server.records,
            "queue": lambda: [json.loads(record.value) for record in queued("answers")],
        }[kind]()
    assert answers == [""]
    same(found, expected(1, 10) + expected(6, 10))


def test_where_no_stream_reads_on_from(tmp_path: Path) -> None:
    put("queue:rows", rows(1, 10))
    stream(str(tmp_path / "parts"))
    asked, answers = ["start", "later"], list[str]()

    def sought() -> Any:
        return (asked.pop(), answers.append) if asked else None

    stream(str(tmp_path / "parts"), sought=sought, control=Until(lambda c: caught_up(c) and len(answers) == 2))
    assert "'later' is no place in a queue" in answers[0]
    assert "its parts are named by them" in answers[1]
    same(part_rows(tmp_path / "parts"), expected(1, 10))


@pytest.mark.parametrize("url", ["http://", "http://[x/take.json"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError, match="no address of a service"):
        stream(url)


def test_the_key_of_a_queue_with_any_name() -> None:
    put("queue:größe", rows(1, 4))
    with service() as server:
        stream(server.url, input="queue:größe")
        assert next(iter(server.taken)).startswith("gr%C3%B6%C3%9Fe%2Fchurn%2F")


def test_a_batch_that_may_have_arrived_is_sent_again_as_it_was() -> None:
    """Though more has come meanwhile, and micro-batches are larger now."""
    put("queue:rows", rows(1, 6))
    with service(answer=503) as server:  # it was sent, and the stream ended before it knew
        stream(server.url, most=100, control=Until(lambda control: bool(control.blocked)))
        put("queue:rows", rows(6, 12))
        server.answer = 200
        stream(server.url, most=100)
        assert [(key.split("-", 1)[1], len(batches)) for key, batches in server.taken.items()] == [
            ("1-5", 1),
            ("6-11", 1),
        ]


def test_a_table_that_is_locked(tmp_path: Path) -> None:
    put("queue:rows", rows(1, 10))
    stream(f"sqlite:///{tmp_path}/a.db?table=scores")
    put("queue:rows", rows(20, 30))
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("begin exclusive")
    recovering(f"sqlite:///{tmp_path}/a.db?table=scores", "locked", lambda: other.execute("rollback") and None)
    same(read_sql(tmp_path / "a.db"), expected(1, 10) + expected(20, 30))
    other.close()


def test_a_table_without_a_column(tmp_path: Path) -> None:
    put("queue:rows", rows(1, 10))
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("create table scores (n integer, amount real, city text, score real, label text)")
        recovering(
            f"sqlite:///{tmp_path}/a.db?table=scores&mode=append",
            "the table 'scores' has no column 'whole'",
            lambda: other.execute("alter table scores add column whole integer") and None,
        )
    same(read_sql(tmp_path / "a.db"), expected(1, 10))


def test_a_table_that_others_made(tmp_path: Path) -> None:
    put("queue:rows", rows(1, 3))
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("create table scores (n integer)")
    with pytest.raises(UsageError, match="which this stream did not make"):
        stream(f"sqlite:///{tmp_path}/a.db?table=scores")


def test_a_table_with_times(tmp_path: Path) -> None:
    def day(frame: pd.DataFrame) -> pd.Series:
        return frame.day.dt.day

    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("create table scores (day datetime, prediction integer, born date, at time)")
    days = predictor(day, pd.DataFrame({"day": pd.to_datetime(["2024-01-01T05:06:07.000008"])}))
    put(
        "queue:rows",
        [{"day": "2024-02-03T04:05:06.000007", "born": "2000-01-02", "at": "03:04:05"}, {"day": "2024-02-04"}],
    )
    stream(f"sqlite:///{tmp_path}/a.db?table=scores&mode=append", model=days)
    first = read_sql(tmp_path / "a.db")[0]
    assert first == {
        "day": "2024-02-03 04:05:06.000007",
        "prediction": 3,
        "born": "2000-01-02",
        "at": "03:04:05.000000",
    }


def test_a_queue_that_is_full() -> None:
    put("queue:rows", rows(1, 10))
    answers = Log(places.log("queue:rows").folder, "answers", kept=1500)
    answers.append([b"x" * 1450])
    reader = Group(answers, "audit")
    reader.acquire()
    sink = QueueSink(answers, SOURCE)
    batch = Asking(predictor())(queued("rows"))
    with pytest.raises(StorageError, match=r"queue answers is full.*group audit is at 0 of 1"):
        sink.write(batch)
    reader.commit(1)
    assert sink.write(batch) == sink.write(batch) == {"": sink.position("")} == {"": 9}
    same([json.loads(record.value) for record in queued("answers")], expected(1, 10))


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_folder_that_cannot_be_written(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "out"
    path = folder / f"a.{ending}"
    put("queue:rows", rows(1, 10))
    stream(str(path))
    put("queue:rows", rows(10, 12))
    broken: list[int] = []

    def model() -> Any:
        """Breaks the folder between two micro-batches."""
        if not broken:
            broken.append(1)
            folder.rename(tmp_path / "away")
            folder.write_text("in its place")
        return asked

    def repair() -> None:
        folder.unlink()
        (tmp_path / "away").rename(folder)

    asked = predictor()
    recovering(str(path), str(folder), repair, model=model)
    found = {"jsonl": read_lines, "csv": read_csv, "parquet": part_rows}[ending](path)
    same(found, expected(1, 12))


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_write_that_is_cut_off(tmp_path: Path, ending: str) -> None:
    """As on a full disk: what was written half is written anew, once."""
    path = tmp_path / f"a.{ending}"
    put("queue:rows", rows(1, 100))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    asked = predictor()
    sink = open_sink(str(path), SOURCE, asked.schema)
    batches = [Asking(asked)(queued("rows")[first : first + 10]) for first in range(0, 99, 10)]
    sink.write(batches[0])
    size = path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200, before[1]))
    try:
        for _ in range(2):
            with pytest.raises(StorageError):
                sink.write(batches[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    for batch in batches[1:]:
        sink.write(batch)
    found = {"jsonl": read_lines, "csv": read_csv}[ending](path)
    same(found, [row for row in expected(1, 100) if row["n"] != 13])


def test_a_csv_whose_first_write_failed_has_its_header(tmp_path: Path) -> None:
    put("queue:rows", rows(1, 10))
    path = tmp_path / "a.csv"
    sink = open_sink(str(path), SOURCE, predictor().schema)
    batch = Asking(predictor())(queued("rows"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(StorageError):
            sink.write(batch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    sink.write(batch)
    same(read_csv(path), expected(1, 10))


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_an_output_that_is_another_s(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    put("queue:rows", rows(1, 5))
    stream(str(path))
    with pytest.raises(UsageError, match=r"stream of rows/churn/\w+ wrote"):
        stream(str(path), group="other")
    if ending != "parquet":
        (tmp_path / f"mine.{ending}").write_text("something\n")
        with pytest.raises(UsageError, match="holds something else"):
            stream(str(tmp_path / f"mine.{ending}"))
    path.rename(tmp_path / "away")  # as it was told
    stream(str(path), group="other")
    same({"jsonl": read_lines, "csv": read_csv, "parquet": part_rows}[ending](path), expected(1, 5))


def test_a_queue_that_was_made_anew_is_another(tmp_path: Path) -> None:
    """Its offsets begin again: what they cover here is something else."""
    put("queue:rows", rows(1, 5))
    stream(str(tmp_path / "a.jsonl"))
    stream("queue:answers", group="copy")
    for file in places.log("queue:rows").folder.glob("rows.db*"):
        file.unlink()
    put("queue:rows", rows(20, 25))
    with pytest.raises(UsageError, match="is there already"):
        stream(str(tmp_path / "a.jsonl"))
    stream("queue:answers", group="copy")
    same([json.loads(record.value) for record in queued("answers")], expected(1, 5) + expected(20, 25))


def test_a_file_that_is_moved_away_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for life, (first, last) in enumerate([(1, 5), (5, 9), (9, 12)]):
        put("queue:rows", rows(first, last))
        stream(str(path))
        same(read_csv(path), expected(first, last))
        path.rename(tmp_path / f"a.{life}.csv")
    put("queue:rows", rows(14, 20))
    moved: list[int] = []

    def done(control: Until) -> bool:
        if control.seen.get("records", 0) >= 3 and not moved:
            moved.append(control.seen["records"])
            path.rename(tmp_path / "half.csv")
        return caught_up(control)

    stream(str(path), control=Until(done), most=1)
    same(read_csv(tmp_path / "half.csv") + read_csv(path), expected(14, 20))


def test_a_file_that_somebody_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    put("queue:rows", rows(1, 5))
    stream(str(path))
    put("queue:rows", rows(5, 8))
    os.truncate(path, 20)
    tried = lambda control: control.seen.get("tries", 0) > 1 or caught_up(control)  # noqa: E731
    assert "was cut: it had" in stream(str(path), control=Until(tried)).blocked  # it waits
    path.rename(tmp_path / "cut.jsonl")
    stream(str(path))
    same(read_lines(path), expected(5, 8))


def died(name: str = "rows.churn.dead") -> list[tuple[int, str]]:
    """The dead letters: offsets and reasons."""
    return [(letter.headers["offset"], letter.headers["error"]) for letter in queued(name) if letter.headers]


def test_a_prediction_without_a_column_is_not_dropped(tmp_path: Path) -> None:
    put("queue:rows", [*rows(1, 3), {**rows(3, 4)[0], "score": 5}, *rows(4, 6)])
    stream(str(tmp_path / "a.csv"))
    assert died() == [(3, "a.csv has no second column 'score': it has a field of that name")]
    same(read_csv(tmp_path / "a.csv"), expected(1, 3) + expected(4, 6))


def test_a_record_that_a_table_refuses_dies_alone(tmp_path: Path) -> None:
    """A key that is there twice, a missing value, a time that is none; a poison record before them."""
    odd = {"day": "some day", "n": 8, "amount": None, "city": None}
    put("queue:rows", [{"n": "x"}, *rows(1, 5), *rows(2, 3), {"n": 7, "amount": 1.5, "city": None}, odd, *rows(9, 12)])
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute(
            "create table scores (n integer primary key, amount real not null, city text, score real, label text,"
            " whole integer, day datetime)"
        )
        other.execute("insert into scores (n, amount) values (4, 0)")
    place = f"sqlite:///{tmp_path}/a.db?table=scores&mode=append"
    stream(place)
    assert [row["n"] for row in read_sql(tmp_path / "a.db")] == [1, 2, 3, 4, 7, 9, 10, 11]
    offsets, reasons = zip(*died(), strict=True)
    assert offsets == (1, 5, 6, 8)
    assert "UNIQUE constraint failed: scores.n" in reasons[1]
    assert "SQLite DateTime type only accepts" in reasons[3]
    put("queue:rows", rows(1, 5))
    control = Until(lambda control: "UNIQUE constraint" in control.blocked)
    stream(place, control=control)  # all of many: the table is to blame
    assert len(died()) == 4


def test_of_each_key_a_table_has_what_was_answered_last(tmp_path: Path) -> None:
    """Over batches and lives; a record without a key dies alone."""
    place, came = f"sqlite:///{tmp_path}/a.db?table=scores&key=who", places.log("queue:rows")
    for first in (20, 40):
        given = rows(first, first + 14)
        keys = [None if row["n"] == first else f"k{row['n'] % 3}" for row in given]
        came.append([json.dumps(row).encode() for row in given], keys)
        stream(place, key_as="who")
    came.close()
    assert sorted((row["who"], row["n"]) for row in read_sql(tmp_path / "a.db")) == [("k0", 51), ("k1", 52), ("k2", 53)]
    assert [(offset, why.rpartition(": ")[2]) for offset, why in died()] == [
        (offset, "it has no value in 'who', which is the table's key") for offset in (1, 15)
    ]


def test_of_each_key_a_table_has_what_happened_last(tmp_path: Path) -> None:
    """Where it is written when that was: what comes late, as a dead letter that is replayed, replaces nothing newer."""
    place, came = f"sqlite:///{tmp_path}/a.db?table=scores&key=who", places.log("queue:rows")
    for n, at in ((20, 2e9), (21, 1e9), (22, 3e9), (23, 2.5e9)):
        came.append([json.dumps(rows(n, n + 1)[0]).encode()], ["k"], times=[at])
        stream(place, key_as="who", time_as="when")
    came.close()
    assert [row["n"] for row in read_sql(tmp_path / "a.db")] == [22]


def test_a_record_that_dies_only_when_it_is_asked_again_is_not_lost(tmp_path: Path) -> None:
    """Killed after the dead letters of a batch; the model that follows fails elsewhere in it."""
    put("queue:rows", [*rows(1, 3), {"n": "x"}, *rows(3, 5)])
    with service(answer=503) as server:
        stream(server.url, most=5, control=Until(lambda control: bool(control.blocked)))

    def fails(frame: pd.DataFrame) -> pd.DataFrame:
        if (frame.n == 2).any():
            raise RuntimeError("two")
        return scores(frame)

    stream(str(tmp_path / "a.jsonl"), model=predictor(fails), most=5)
    assert [offset for offset, _ in died()] == [3, 2]
    same(read_lines(tmp_path / "a.jsonl"), expected(1, 2) + expected(3, 5))


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("queue:rows", "is what the stream reads"),
        ("a.jsonl.gz", "writes local files"),
        ("a.xlsx", "does not write excel"),
        ("s3://lake/a.jsonl", "writes local files"),
        ("sqlite:///a.db?query=select 1", "is a query"),
        ("sqlite:///a.db?table=t&mode=replace", "replaces no table"),
        ("a.csv?delimiter=xx", "a delimiter is one character"),
    ],
)
def test_what_a_stream_does_not_write(output: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said):
        stream(output)


def test_dead_letters_are_not_buried_twice(tmp_path: Path) -> None:
    """Killed between the dead letters and the sink, a batch is read again, and ends elsewhere."""
    put("queue:rows", [{"n": "x"}, *rows(1, 4)])
    with service(answer=503) as server:
        stream(server.url, most=3, control=Until(lambda control: bool(control.blocked)))
        put("queue:rows", [{"n": "y"}])
        stream(str(tmp_path / "a.jsonl"), most=100)
    assert [json.loads(record.value)["n"] for record in queued("rows.churn.dead")] == ["x", "y"]


def test_a_commit_that_fails_does_not_write_again(tmp_path: Path) -> None:
    put("queue:rows", rows(1, 10))
    log = places.log("queue:rows")
    locked: list[int] = []
    path = tmp_path / "a.jsonl"

    def done(control: Until) -> bool:
        if control.blocked and locked:
            locked.clear()
            log._connection.execute("update groups set generation = generation - 1")
        return caught_up(control) and not locked

    def fenced(frame: pd.DataFrame) -> pd.DataFrame:
        if not path.stat().st_size:
            locked.append(1)
            log._connection.execute("update groups set generation = generation + 1")
        return scores(frame)

    control = stream(str(path), control=Until(done), model=predictor(fenced))
    assert "another process reads queue rows for the group churn" in control.blocked
    same(read_lines(path), expected(1, 10))
    log.close()


def test_names_of_groups(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'a/b' is no name of a group"):
        stream(str(tmp_path / "a.jsonl"), group="a/b")
