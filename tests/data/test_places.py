"""The grammar of places."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.data import grammar, places
from workbench.errors import UsageError


def test_a_relative_path_is_shown_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = places.parse("in/customers.csv.gz?encoding=latin-1&delimiter=;")
    assert (place.kind, place.compressed) == ("csv", True)
    assert place.label == str(tmp_path / "in/customers.csv.gz")
    assert place.options == {"encoding": "latin-1", "delimiter": ";"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"),
        ("a.TSV", "tsv"),
        ("a.pq", "parquet"),
        ("a.ndjson", "jsonl"),
        ("a.arrow", "feather"),
        ("a.xlsx", "excel"),
        ("s3://lake/a.parquet", "parquet"),
        ("https://host/a.csv?token=x", "csv"),
        ("data?format=csv", "csv"),
        ("simplecache::s3://lake/a.csv", "csv"),
    ],
)
def test_the_ending_tells_the_format(name: str, kind: str) -> None:
    assert places.parse(name).kind == kind


def test_a_query_of_a_url_stays_and_ours_is_taken_off() -> None:
    place = places.parse("https://host/a.csv?token=x&encoding=cp1252")
    assert place.path == "https://host/a.csv?token=x"
    assert place.options == {"encoding": "cp1252"}


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("a.cvs", "did you mean .csv"),
        ("a.xls", "save it as .xlsx"),
        ("scored", "give it one of"),
        ("a.csv?encodin=latin-1", "encoding="),
        ("a.parquet?encoding=latin-1", "no option 'encoding'"),
        ("a.parquet.gz", "a.parquet"),
        ("s4://lake/a.csv", "s3://"),
        ("sqlite:///shop.db", "?table=NAME"),
        ("sqlite:///shop.db?table=t&mode=merge", "mode=append"),
        ("${NOT_SET_ANYWHERE}/a.csv", "NOT_SET_ANYWHERE"),
    ],
)
def test_what_is_no_place_is_refused_with_what_there_is(place: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        places.parse(place)
    assert says in str(refused.value)


def test_variables_are_read_and_neither_they_nor_passwords_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "geheim")
    place = places.parse("postgresql://me:${DB_PASSWORD}@db/risk?table=scores&sslmode=require")
    assert place.path == "postgresql://me:geheim@db/risk?sslmode=require"
    assert "geheim" not in place.label
    assert "DB_PASSWORD" not in place.label
    assert place.label == "postgresql://me:***@db/risk?table=scores"
    monkeypatch.setenv("LAKE", "/secret/lake")
    assert places.parse("${LAKE}/a.csv").label.endswith("${LAKE}/a.csv")


def test_a_query_reaches_to_the_end() -> None:
    place = places.parse("sqlite:////shop.db?query=SELECT a FROM t WHERE b = '1&c=?%' AND d LIKE 'x%'")
    assert place.options["query"] == "SELECT a FROM t WHERE b = '1&c=?%' AND d LIKE 'x%'"
    assert places.parse("sqlite:////shop.db?query=SELECT+1").options["query"] == "SELECT 1"


def test_a_relative_database_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert places.parse("sqlite:///shop.db?table=t").path == f"sqlite:///{tmp_path}/shop.db"


def test_same_place(tmp_path: Path) -> None:
    assert places.same(str(tmp_path / "a.csv"), f"{tmp_path}/./a.csv?encoding=latin-1")
    assert not places.same(str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))


@pytest.mark.parametrize("name", ["encoding=latin-1", "sheet=x"])
def test_options_of_inputs_are_refused_on_outputs(tmp_path: Path, name: str) -> None:
    ending = "xlsx" if name.startswith("sheet") else "csv"
    with pytest.raises(UsageError, match="is for an input"):
        places.sink(f"{tmp_path}/a.{ending}?{name}")
    assert not list(tmp_path.iterdir())


def test_a_stream_of_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is ours is taken off its options, what a variable holds is written as a URL has it, and no secret is shown."""
    monkeypatch.setenv("WORD", "p@ss/w?rd&x")
    at = grammar.parse(
        "redis://ann:${WORD}@db:6379/2?stream=rows&group=g&claim=5&socket_timeout=3&ssl_password=${WORD}"
    )
    assert (at.kind, dict(at.options)) == ("redis", {"group": "g", "stream": "rows", "claim": "5"})
    assert at.path == "redis://ann:p%40ss%2Fw%3Frd%26x@db:6379/2?socket_timeout=3&ssl_password=p%40ss%2Fw%3Frd%26x"
    assert at.label == "redis://ann:***@db:6379/2?stream=rows"
    assert grammar.shown("redis://h/0?stream=s&ssl_password=x1&a=b") == "redis://h/0?stream=s&ssl_password=***&a=b"
    assert grammar.shown("redis://h/0?ssl_password=${WORD}") == "redis://h/0?ssl_password=${WORD}"
    for wrong in ("redis://h/0", "redis:///0?stream=s", "redis://h/0?stream=s&claim=soon"):
        with pytest.raises(UsageError):
            grammar.parse(wrong)
