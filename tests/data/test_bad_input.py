"""What is wrong with an input or output is named, and nothing half-written is left."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from workbench.data import files, places
from workbench.data.pieces import Sink
from workbench.errors import BadInput, NotFound, StorageError, UsageError, WorkbenchError

TABLE = pa.table({"a": list(range(200_000)), "b": np.random.default_rng(7).normal(size=200_000)})


def rows(place: str) -> int:
    return sum(piece.table.num_rows for piece in places.source(place).pieces())


def refused(place: str, kind: type[WorkbenchError] = BadInput) -> str:
    with pytest.raises(kind) as caught:
        rows(place)
    return str(caught.value)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet", "jsonl", "feather", "xlsx"])
def test_a_file_that_is_not_there(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"customers.{ending}").touch()
    said = refused(f"{tmp_path}/custommers.{ending}", NotFound)
    assert f"there is no file {tmp_path}/custommers.{ending}" in said
    assert f"{tmp_path}/customers.{ending} is there" in said
    assert "folder" in refused(f"{tmp_path}/no/customers.{ending}", NotFound)


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    assert "is a folder" in refused(f"{tmp_path}/a.csv", UsageError)
    with pytest.raises(UsageError, match="is a folder"):
        places.sink(f"{tmp_path}/a.csv")


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "jsonl", "feather", "xlsx"])
def test_an_empty_file(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"a.{ending}").touch()
    assert "is empty" in refused(f"{tmp_path}/a.{ending}")


def test_an_empty_gz(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b""))
    assert "is empty" in refused(f"{tmp_path}/a.csv.gz")


@pytest.mark.parametrize("ending", ["parquet", "feather", "csv.gz", "jsonl.gz", "xlsx"])
def test_a_truncated_file(tmp_path: Path, ending: str) -> None:
    place = tmp_path / f"a.{ending}"
    sink = places.sink(str(place))
    sink.write(TABLE.slice(0, 2000) if ending in ("xlsx", "jsonl.gz") else TABLE)
    sink.close()
    place.write_bytes(place.read_bytes()[: place.stat().st_size // 2])
    said = refused(str(place))
    assert "truncated" in said
    assert str(place) in said


def test_a_damaged_page_of_parquet(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "a.parquet", compression="snappy")
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[1000:3000] = b"\xff" * 2000
    (tmp_path / "a.parquet").write_bytes(content)
    assert "a.parquet" in refused(f"{tmp_path}/a.parquet")


@pytest.mark.parametrize("before", [0, 300_000])
def test_another_encoding_names_the_byte_and_the_line(tmp_path: Path, before: int) -> None:
    content = b"name,n\n" + b"Berlin,12\n" * before + "Köln,2\n".encode("latin-1")
    (tmp_path / "a.csv").write_bytes(content)
    said = refused(f"{tmp_path}/a.csv")
    assert f"byte {content.index(0xF6)}, in line {before + 2}" in said
    assert "?encoding=latin-1" in said
    assert rows(f"{tmp_path}/a.csv?encoding=latin-1") == before + 1


def test_another_encoding_of_a_header_or_of_all(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("Größe,n\n1,2\n".encode("latin-1"))
    assert "byte 2, in line 1" in refused(f"{tmp_path}/a.csv")
    (tmp_path / "b.csv").write_bytes("a,n\n1,2\n".encode("utf-16"))
    assert "?encoding=utf-16" in refused(f"{tmp_path}/b.csv")
    (tmp_path / "c.jsonl").write_bytes(b'{"a": 1}\n' + '{"a": "Köln"}\n'.encode("latin-1"))
    said = refused(f"{tmp_path}/c.jsonl")
    assert "line 2" in said
    assert "?encoding=latin-1" in said
    assert "cp1252" in refused(f"{tmp_path}/a.csv?encoding=latn", UsageError)


@pytest.mark.parametrize("before", [1, 1_500_000])
def test_a_ragged_line_is_named(tmp_path: Path, before: int) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n" + b"1,2345678901\n" * before + b"1,2,3\n4,5\n")
    said = refused(f"{tmp_path}/a.csv")
    assert f"line {before + 2} of {tmp_path}/a.csv has 3 values, its header 2 names" in said
    assert f"row {before}: 1,2,3" in said


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,x\n2,"y\n3,z\n')
    assert "a quote is never closed" in refused(f"{tmp_path}/a.csv")
    (tmp_path / "b.csv").write_text('a,b\n1,"x\n"\n')
    assert rows(f"{tmp_path}/b.csv") == 1


def test_a_header_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,a\n1,2,3\n")
    assert "column 'a' stands twice" in refused(f"{tmp_path}/a.csv")
    (tmp_path / "b.csv").write_text("a;b;c\n1;2;3\n")
    assert "?delimiter=;" in refused(f"{tmp_path}/b.csv")
    assert rows(f"{tmp_path}/b.csv?delimiter=;") == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"a": 1}\n{"a": \n', "line 2"),
        ('{"a": 1}\n\n[1]\n', "line 3"),
        ('[{"a": 1}]\n', "one JSON array"),
        ('[\n{"a": 1}\n]\n', "one JSON array"),
    ],
)
def test_lines_that_are_no_records(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "a.jsonl").write_text(content)
    assert says in refused(f"{tmp_path}/a.jsonl")


def test_what_is_no_parquet(tmp_path: Path) -> None:
    for ending in ("parquet", "feather", "xlsx", "csv.gz"):
        (tmp_path / f"a.{ending}").write_text("a,b\n1,2\n" * 100)
        assert f"a.{ending}" in refused(f"{tmp_path}/a.{ending}")


def test_a_folder_that_is_not_there_is_named_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is no folder") as caught:
        places.sink(f"{tmp_path}/no/a.csv")
    assert f"mkdir -p {tmp_path}/no" in str(caught.value)


_AS_NOBODY = """
import os, sys
from workbench.data import delimited, feather, files, jsonlines, parquet, places
import pyarrow.feather, pyarrow.parquet
if os.getuid() == 0:
    os.setuid(65534)
try:
    places.sink(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "feather"])
def test_a_folder_that_cannot_be_written(ending: str) -> None:
    if sys.platform == "win32":
        pytest.skip("rights of folders work differently on Windows")
    with tempfile.TemporaryDirectory() as open_to_all:  # the folders above tmp_path are for their owner alone
        Path(open_to_all).chmod(0o755)
        folder = Path(open_to_all, "locked")
        folder.mkdir(mode=0o555)
        place = f"{folder}/a.{ending}"
        ran = subprocess.run([sys.executable, "-c", _AS_NOBODY, place], capture_output=True, text=True, check=False)
        assert ran.stdout.startswith(f"StorageError {place} cannot be written: Permission denied"), ran
        assert not list(folder.iterdir())


def fill(sink: Sink, pieces: int) -> None:
    for i in range(pieces):
        sink.write(TABLE.slice(35_000 * i, 35_000))
    sink.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system can be mounted by root alone")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet", "jsonl", "feather", "xlsx"])
def test_a_full_disk_leaves_what_was_there(small_disk: Path, ending: str) -> None:
    place = small_disk / f"a.{ending}"
    place.write_text("what was there")
    sink = places.sink(str(place))
    with pytest.raises(StorageError, match="the disk is full") as caught:
        fill(sink, 2 if ending == "xlsx" else 6)
    sink.abort()
    assert str(place) in str(caught.value)
    assert [file.name for file in small_disk.iterdir()] == [place.name]
    assert place.read_text() == "what was there"


def test_a_full_disk_under_a_database(small_disk: Path) -> None:
    sink = places.sink(f"sqlite:///{small_disk}/a.db?table=t")
    with pytest.raises(StorageError, match="the disk is full"):
        fill(sink, 6)
    sink.abort()
    with pytest.raises(NotFound, match="there is no table"):
        rows(f"sqlite:///{small_disk}/a.db?table=t")


def test_nothing_is_left_of_an_output_that_is_given_up(tmp_path: Path) -> None:
    for ending in ("csv", "csv.gz", "parquet", "jsonl", "feather", "xlsx"):
        for written in (True, False):
            sink = places.sink(f"{tmp_path}/a.{ending}")
            if written:
                sink.write(TABLE.slice(0, 100))
            sink.abort()
    assert not list(tmp_path.iterdir())


def test_a_package_that_is_missing_is_named() -> None:
    error = ImportError("Install s3fs to access S3")
    assert files.text_of_missing(error) == "pip install s3fs"
    with pytest.raises(UsageError) as caught:
        places.source("oracle://host/db?table=t").pieces().__next__()
    assert "pip install" in str(caught.value)


_WITHOUT_EXCEL = """
import sys
sys.modules["openpyxl"] = None
from workbench.data import places
for use in (places.source, places.sink):
    try:
        use("a.xlsx")
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_excel_without_its_extra_names_the_extra(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", _WITHOUT_EXCEL], capture_output=True, text=True, check=True)
    assert ran.stdout.count("UsageError Excel files need openpyxl") == 2
    assert ran.stdout.count("pip install 'deployment-workbench[excel]'") == 2
