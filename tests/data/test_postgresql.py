"""Tables of a real PostgreSQL, which the tests start, as source and target."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from workbench.data import places
from workbench.data.sql_bounds import Bounds
from workbench.data.watermark import Mark
from workbench.errors import BadInput, StorageError, UsageError

pytest.importorskip("psycopg", reason="psycopg, which speaks to PostgreSQL, is not installed")
SERVER = shutil.which("postgres")
pytestmark = pytest.mark.skipif(SERVER is None, reason="no PostgreSQL server is installed here")
FIRST = pa.table({"id": [1, 2, 3], "city": ["Köln", None, "Ulm"], "score": [0.1, 0.2, float("nan")]})


def _run(*command: str | Path, user: str | None) -> None:
    subprocess.run(command, user=user, check=True, capture_output=True, cwd="/", timeout=60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database, behind a socket of its own."""
    assert SERVER is not None
    programs = Path(os.path.realpath(SERVER)).parent
    user = "postgres" if os.geteuid() == 0 else None  # it does not run as root
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/pg.XXXXXX"], user=user, text=True).strip())
    data = folder / "data"
    settings = f"-k {folder} -c listen_addresses= -c fsync=off"
    try:
        _run(programs / "initdb", "-D", data, "-U", "me", "--auth=trust", "-E", "UTF8", "--no-sync", user=user)
        _run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", settings, "start", user=user)
        try:
            yield f"postgresql+psycopg://me@/postgres?host={folder}"
        finally:
            _run(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop", user=user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(place: str, *tables: pa.Table) -> None:
    sink = places.sink(place)
    try:
        for table in tables:
            sink.write(table)
        sink.close()
    except BaseException:
        sink.abort()
        raise


def read(place: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [row for piece in places.source(place).pieces() for row in piece.table.to_pylist()]
    return sorted(rows, key=lambda row: row["id"])


def test_a_table_is_written_once_added_to_and_replaced(server: str) -> None:
    place = f"{server}&table=scores"
    write(place, FIRST)
    with pytest.raises(UsageError, match="there is a table 'scores'"):
        write(place, FIRST)
    write(f"{place}&mode=append", FIRST)
    assert [row["id"] for row in read(place)] == [1, 1, 2, 2, 3, 3]
    write(f"{place}&mode=replace", FIRST)
    assert read(place) == [
        {"id": 1, "city": "Köln", "score": 0.1},
        {"id": 2, "city": None, "score": 0.2},
        {"id": 3, "city": "Ulm", "score": None},
    ]


def test_rows_are_put_by_their_key(server: str) -> None:
    place = f"{server}&table=keyed&key=id"
    write(place, FIRST)
    later = pa.table({"id": [3, 4, 3], "city": ["Bonn", "Jena", "Trier"], "score": [1.0, 2.0, 3.0]})
    write(place, later)
    assert [(r["id"], r["city"], r["score"]) for r in read(f"{server}&table=keyed")] == [
        (1, "Köln", 0.1), (2, None, 0.2), (3, "Trier", 3.0), (4, "Jena", 2.0),
    ]  # fmt: skip
    with pytest.raises(BadInput, match="no value in 'id'"):
        write(place, pa.table({"id": pa.array([None], pa.int64()), "city": ["Ulm"], "score": [1.0]}))
    write(f"{server}&table=plain", FIRST)
    with pytest.raises(UsageError, match="nothing says that id is unique"):
        write(f"{server}&table=plain&key=id", FIRST)
    assert len(read(f"{server}&table=keyed")) == 4


@pytest.mark.parametrize("as_query", [False, True])
def test_rows_above_a_mark_are_asked_for(as_query: bool, server: str) -> None:
    """As a batch of what is new does: by a time with its zone, kept between runs as text, in the order of the time."""
    hours = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in range(6)]
    table = pa.table({"id": range(6), "share": ["5 %", "a:b"] * 3, "seen": pa.array(hours, pa.timestamp("us", "UTC"))})
    name = f"grown{as_query:d}"
    write(f"{server}&table={name}", table.take([3, 0, 5, 1, 4, 2]))
    place = (
        f"{server}&query=select * from {name} where share like '5 %' or id >= 0"
        if as_query
        else f"{server}&table={name}"
    )
    mark = Mark.of(hours[1])
    after = Mark(mark.kind, mark.text).value.to_pydatetime()
    for bounds in (
        Bounds("seen", after),
        Bounds("seen", since=None if as_query else "2026-11-01T02:00+00:00", after=after),
    ):
        source: Any = places.source(place)
        assert source.top(bounds) == hours[5]
        source.within(Bounds("seen", bounds.after, bounds.since, hours[4]))
        rows = [row for piece in source.pieces() for row in piece.table.to_pylist()]
        assert [(row["id"], row["share"]) for row in rows] == [(2, "5 %"), (3, "a:b"), (4, "5 %")]
    with pytest.raises((StorageError, UsageError), match="no_such"):
        places.source(place).top(Bounds("no_such"))  # type: ignore[attr-defined]


@pytest.mark.parametrize("as_query", [False, True])
def test_rows_that_are_kept_are_read_again_whatever_becomes_of_the_table(
    as_query: bool, server: str, tmp_path: Path
) -> None:
    name = f"kept{as_query:d}"
    write(f"{server}&table={name}", FIRST)
    place = f"{server}&query=select * from {name}" if as_query else f"{server}&table={name}"

    def rows() -> tuple[list[dict[str, Any]], int | None]:
        source: Any = places.source(place)
        source.keep(tmp_path / "answers" / "0.rows")
        return [row for piece in source.pieces() for row in piece.table.to_pylist()], source.rows

    before = rows()
    write(f"{server}&table={name}&mode=replace", FIRST.slice(1))
    assert str(rows()) == str(before)
    assert before[1] == len(before[0]) == 3
    assert len(read(place)) == 2
