"""Every kind of store gives back what was written to it."""

from __future__ import annotations

import datetime
import gzip
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pandas as pd
import pyarrow as pa
import pytest

from workbench.data import places
from workbench.errors import BadInput, StorageError, UsageError

TABLE = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int64()),
        "amount": pa.array([1.5, None, 3.0]),
        "city": pa.array(["Köln", 'a "quoted", one', None]),
        "vip": pa.array([True, False, None]),
        "day": pa.array([datetime.date(2024, 1, i) for i in (1, 2, 3)]),
        "at": pa.array([datetime.datetime(2024, 1, 1, 12, 30)] * 3, pa.timestamp("us")),
    }
)


def write(place: str, *tables: pa.Table) -> str:
    sink = places.sink(place)
    for table in tables:
        sink.write(table)
    return sink.close()


def read(place: str, *, settle: bool = True) -> pa.Table:
    source = places.source(place)
    if settle:
        source.settle(())
    pieces = list(source.pieces())
    assert [piece.first_row for piece in pieces] == [
        sum(p.table.num_rows for p in pieces[:i]) for i in range(len(pieces))
    ]
    return pa.concat_tables(piece.table for piece in pieces)


@pytest.mark.parametrize("ending", ["parquet", "feather", "arrow"])
def test_typed_files_keep_every_type(tmp_path: Path, ending: str) -> None:
    place = f"{tmp_path}/t.{ending}"
    assert write(place, TABLE, TABLE) == place
    assert read(place).equals(pa.concat_tables([TABLE, TABLE]))
    assert [f.name for f in tmp_path.iterdir()] == [f"t.{ending}"]


def test_parquet_keeps_categories_and_what_pandas_wrote_beside(tmp_path: Path) -> None:
    frame = pd.DataFrame({"c": pd.Categorical(["a", "b", "a"])}, index=pd.Index([5, 6, 7], name="key"))
    frame.to_parquet(tmp_path / "in.parquet")
    table = read(f"{tmp_path}/in.parquet")
    write(f"{tmp_path}/out.parquet", table)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), frame)
    write(f"{tmp_path}/out.feather", table)
    assert read(f"{tmp_path}/out.feather").column("c").to_pylist() == ["a", "b", "a"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz"])
def test_csv(tmp_path: Path, ending: str) -> None:
    place = f"{tmp_path}/t.{ending}"
    write(place, TABLE)
    frame = pd.read_csv(place, sep="\t" if ending == "tsv" else ",")
    assert frame.city.tolist()[:2] == ["Köln", 'a "quoted", one']
    assert pd.isna(frame.city[2])
    assert frame.amount.dtype == float
    assert frame.vip.tolist()[:2] == [True, False]
    assert frame["at"].tolist() == ["2024-01-01 12:30:00"] * 3
    assert read(place).column("amount").to_pylist() == [1.5, None, 3.0]
    assert read(place).column("id").type == pa.int64()


def test_csv_text_goes_through_as_it_is(tmp_path: Path) -> None:
    content = 'id,zip,note\n1.0,007,NA\n2,0x10," padded "\n3,,"a\nb ""c"""\n'
    (tmp_path / "in.csv").write_text(content)
    write(f"{tmp_path}/out.csv", read(f"{tmp_path}/in.csv", settle=False))
    assert (tmp_path / "out.csv").read_text() == content.replace('" padded "', " padded ")


def test_csv_numbers_are_numbers_only_when_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a,b,c,d,e\n1,1,007,12345678901234567890,x\n2,1.5,1,1,NA\n,NA,,,\n")
    table = read(f"{tmp_path}/in.csv")
    assert [str(t) for t in table.schema.types] == ["int64", "double", "string", "string", "string"]
    assert table.column("c").to_pylist() == ["007", "1", None]


def test_csv_types_are_those_of_the_whole_file(tmp_path: Path) -> None:
    ones = "1,1,2\n" * 200_000
    (tmp_path / "in.csv").write_text(f"a,b,c\n{ones}2,1.5,x\n")
    table = read(f"{tmp_path}/in.csv")
    assert [str(t) for t in table.schema.types] == ["int64", "double", "string"]
    assert table.num_rows == 200_001
    assert table.column("c")[-1].as_py() == "x"


def test_csv_of_one_column_keeps_its_empty_values(tmp_path: Path) -> None:
    write(f"{tmp_path}/one.csv", pa.table({"a": ["x", "", None, "y"]}))
    assert read(f"{tmp_path}/one.csv", settle=False).column("a").to_pylist() == ["x", "", "", "y"]


@pytest.mark.parametrize("content", ["a,b\n", "a,b", "\ufeffa,b\r\n"])
def test_header_only_csv_has_no_rows(tmp_path: Path, content: str) -> None:
    (tmp_path / "in.csv").write_text(content)
    assert read(f"{tmp_path}/in.csv").schema.names == ["a", "b"]
    assert read(f"{tmp_path}/in.csv").num_rows == 0


def test_other_encodings(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes("stadt,n\nKöln,1\n".encode("latin-1"))
    assert read(f"{tmp_path}/in.csv?encoding=latin-1").column("stadt").to_pylist() == ["Köln"]
    (tmp_path / "u.csv").write_bytes("stadt,n\nKöln,1\n".encode("utf-16"))
    assert read(f"{tmp_path}/u.csv?encoding=utf-16").column("stadt").to_pylist() == ["Köln"]
    (tmp_path / "in.jsonl").write_bytes('{"stadt": "Köln"}\n'.encode("latin-1"))
    assert read(f"{tmp_path}/in.jsonl?encoding=latin-1").column("stadt").to_pylist() == ["Köln"]


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "ndjson"])
def test_json_lines(tmp_path: Path, ending: str) -> None:
    place = f"{tmp_path}/t.{ending}"
    write(place, TABLE.drop_columns(["day", "at"]))
    assert read(place).equals(TABLE.drop_columns(["day", "at"]))


def test_json_lines_of_many_kinds_get_one_type_each(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"a": 1, "b": 1, "c": [1]}\n\n{"a": 1.5, "b": "x", "d": NaN}\n')
    table = read(f"{tmp_path}/in.jsonl")
    assert table.to_pydict()["a"] == [1.0, 1.5]
    assert table.to_pydict()["b"] == ["1", "x"]
    assert table.to_pydict()["c"] == ["[1]", None]


def test_json_lines_come_back_as_they_came(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"a": 1.10, "deep": {"x": [1, 2]}}\n{ }\n')
    (piece,) = places.source(f"{tmp_path}/in.jsonl").pieces()
    sink = places.sink(f"{tmp_path}/out.jsonl")
    sink.write(pa.table({"prediction": [0.5, float("nan")]}), piece.lines)
    sink.close()
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert lines == ['{"a": 1.10, "deep": {"x": [1, 2]},"prediction":0.5}', '{"prediction":null}']


def test_excel(tmp_path: Path) -> None:
    place = f"{tmp_path}/t.xlsx"
    write(place, TABLE.append_column("formula", pa.array(["=1+1", "b", "c"])))
    back = read(place)
    assert back.column("city").to_pylist() == TABLE.column("city").to_pylist()
    assert back.column("formula").to_pylist() == ["=1+1", "b", "c"]
    assert pd.read_excel(place).amount.tolist()[0] == 1.5
    with pytest.raises(Exception, match="no sheet 'prediction'") as refused:
        read(place + "?sheet=prediction")
    assert "?sheet=predictions" in str(refused.value)


def test_a_sheet_that_would_be_too_long_is_refused(tmp_path: Path) -> None:
    sink = places.sink(f"{tmp_path}/t.xlsx")
    with pytest.raises(UsageError, match="1 048 575 rows") as refused:
        sink.write(pa.table({"a": pa.nulls(1_048_576)}))
    sink.abort()
    assert "t.parquet" in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_character_that_no_cell_holds_is_named(tmp_path: Path) -> None:
    sink = places.sink(f"{tmp_path}/t.xlsx")
    with pytest.raises(BadInput, match="column 'a', row 1"):
        sink.write(pa.table({"a": ["x", "\x07"]}))
    sink.abort()


def test_sql(tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path}/shop.db?table=t"
    assert write(place, TABLE, TABLE) == place
    assert read(place).equals(pa.concat_tables([TABLE, TABLE]))
    query = f"sqlite:///{tmp_path}/shop.db?query=SELECT id, city FROM t WHERE city LIKE 'K%' AND ':x' != ''"
    assert read(query).to_pydict() == {"id": [1, 1], "city": ["Köln", "Köln"]}
    assert read(query + " AND 1 = 0").num_rows == 0


def test_sql_refuses_a_table_that_is_there_but_with_a_mode(tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path}/shop.db?table=t"
    write(place, TABLE)
    with pytest.raises(UsageError, match="there is a table 't'") as refused:
        places.sink(place)
    assert "mode=replace" in str(refused.value)
    write(place + "&mode=append", TABLE)
    assert read(place).num_rows == 6
    write(place + "&mode=replace", TABLE.select(["id"]))
    assert read(place).schema.names == ["id"]
    with pytest.raises(BadInput, match="no column 'amount'"):
        write(place + "&mode=append", TABLE)


@pytest.mark.parametrize("mode", ["fail", "replace", "append"])
def test_a_sql_write_that_is_given_up_changes_nothing(tmp_path: Path, mode: str) -> None:
    place = f"sqlite:///{tmp_path}/shop.db?table=t"
    if mode != "fail":
        write(place, TABLE)
    sink = places.sink(f"{place}&mode={mode}")
    sink.write(TABLE)
    sink.abort()
    assert (tmp_path / "shop.db").exists() == (mode != "fail")
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert tables == ([] if mode == "fail" else [("t",)])
    if mode != "fail":
        assert read(place).num_rows == 3


def test_a_sql_column_of_mixed_values_gets_one_type(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "m.db") as connection:
        connection.execute("CREATE TABLE t (a, b)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, None), ("x", 2), (2.5, 2.5)])
    table = read(f"sqlite:///{tmp_path}/m.db?table=t")
    assert table.to_pydict() == {"a": ["1", "x", "2.5"], "b": [None, 2.0, 2.5]}


def test_sql_that_the_database_refuses(tmp_path: Path) -> None:
    write(f"sqlite:///{tmp_path}/shop.db?table=customers", TABLE)
    with pytest.raises(Exception, match=r"no table 'custommers'") as refused:
        read(f"sqlite:///{tmp_path}/shop.db?table=custommers")
    assert "?table=customers" in str(refused.value)
    with pytest.raises(StorageError, match="syntax error"):
        read(f"sqlite:///{tmp_path}/shop.db?query=SELEC 1")
    with pytest.raises(Exception, match="there is no database") as refused:
        read(f"sqlite:///{tmp_path}/shopp.db?table=t")
    assert "shop.db is there" in str(refused.value)
    assert not (tmp_path / "shopp.db").exists()


@pytest.fixture
def memory() -> Iterator[str]:
    folder = f"/wb-{uuid.uuid4().hex}"
    yield f"memory:/{folder}"
    fsspec.filesystem("memory").rm(folder, recursive=True)


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "jsonl", "feather", "xlsx"])
def test_urls(memory: str, tmp_path: Path, ending: str) -> None:
    fsspec.filesystem("memory").mkdir(memory.removeprefix("memory:/"))
    table = TABLE.select(["id", "amount", "city"])
    for folder in (memory, f"file://{tmp_path}"):
        write(f"{folder}/t.{ending}", table)
        assert read(f"{folder}/t.{ending}").equals(table)
    with pytest.raises(Exception, match="there is no file") as refused:
        read(f"{memory}/tt.{ending}")
    assert f"{memory}/t.{ending} is there" in str(refused.value)


def test_a_gz_output_is_the_same_each_time(tmp_path: Path) -> None:
    write(f"{tmp_path}/a.csv.gz", TABLE)
    first = (tmp_path / "a.csv.gz").read_bytes()
    write(f"{tmp_path}/a.csv.gz", TABLE)
    assert (tmp_path / "a.csv.gz").read_bytes() == first
    assert gzip.decompress(first).startswith(b"id,")
