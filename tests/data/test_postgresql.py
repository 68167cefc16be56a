"""Tables of a real PostgreSQL, which the tests start, as source and target."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from workbench.data import places
from workbench.errors import BadInput, UsageError

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
