"""The predictions of a chunk -> the files of a part, which are on the disk before the ledger names them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...bundle.storage import refused
from ...errors import BadInput, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from .chunks import Scored

_LINE = "__line__"
_NONE = "__HIVE_DEFAULT_PARTITION__"
_MOST = 1000


@dataclass(frozen=True)
class Part:
    """Where the predictions of a chunk are kept. With `partition` there is a file for each of its values, in a folder
    `column=value`."""

    folder: Path
    number: int
    partition: tuple[str, ...] = ()

    def write(self, scored: Scored) -> str:
        """Keep them; the names of the files, one a line, which are whole, and on the disk after `sync`. BadInput,
        UsageError for what cannot be such a folder; StorageError."""
        table, lines = scored
        name, names = f"part-{self.number:06}.parquet", []
        divided = _divided(table, self.partition) if self.partition else [("", with_lines(table, lines))]
        try:
            for below, rows in divided:
                (self.folder / below).mkdir(parents=True, exist_ok=True)
                _write(rows, self.folder / below / name)
                names.append(f"{below}{name}")
        except OSError as error:
            raise refused(self.folder, error) from error
        return "\n".join(names)

    def content(self, scored: Scored) -> dict[str, Any]:
        """The bytes of each of its files, for another machine to `put`. BadInput, UsageError, StorageError."""
        import pyarrow as pa

        with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
            names = replace(self, folder=Path(folder)).write(scored).split("\n")
            return {name: pa.py_buffer(Path(folder, name).read_bytes()) for name in names}

    def put(self, content: dict[str, Any]) -> str:
        """Keep what `content` has made elsewhere, as `write` does. StorageError."""
        try:
            for name, data in content.items():
                (file := self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                new = _beside(file)
                new.write_bytes(data)
                os.replace(new, file)
        except OSError as error:
            raise refused(self.folder, error) from error
        return "\n".join(content)


def _beside(file: Path) -> Path:
    return file.with_name(f".{file.name}.{os.getpid()}.new")


def _write(table: pa.Table, file: Path) -> None:
    from pyarrow import parquet

    new = _beside(file)
    texts = [field.name for field in table.schema if str(field.type) in ("string", "large_string", "bool")]
    parquet.write_table(table, new, use_dictionary=texts or False)
    os.replace(new, file)


def sync(folder: Path, names: str) -> None:
    """Have the files of a part, one a line, on the disk. StorageError."""
    try:
        for name in filter(None, names.split("\n")):
            with (folder / name).open("rb+") as written:
                os.fsync(written.fileno())
    except OSError as error:
        raise refused(folder, error) from error


def _divided(table: pa.Table, partition: tuple[str, ...]) -> Iterator[tuple[str, pa.Table]]:
    """`month=7/city=Ulm/` and its rows, in the order in which they are met."""
    import pyarrow as pa

    missing = next((name for name in partition if name not in table.column_names), None)
    if missing is not None or len(partition) >= table.num_columns:
        said = f"column {missing!r}" if missing is not None else "column that is left for its files"
        raise BadInput(f"the output has no {said}", column=missing, fix=f"its columns: {', '.join(table.column_names)}")
    columns = [table.column(name).combine_chunks() for name in partition]
    for name, column in zip(partition, columns, strict=True):
        _refuse(name, column.type)
    places: dict[tuple[Any, ...], list[int]] = {}
    for at, values in enumerate(zip(*(column.to_pylist() for column in columns), strict=True)):
        places.setdefault(values, []).append(at)
    if len(places) > _MOST:
        what = f"{', '.join(partition)} would make {len(places)} folders of one chunk"
        raise UsageError(what, fix="name a column of fewer values for --partition")
    rest = table.drop_columns(list(partition))
    for values, rows in places.items():
        folders = [f"{quote(name, safe='')}={_text(v)}/" for name, v in zip(partition, values, strict=True)]
        yield "".join(folders), rest.take(pa.array(rows, pa.int64()))


def _refuse(name: str, kind: pa.DataType) -> None:
    import pyarrow as pa

    t = pa.types
    kind = kind.value_type if t.is_dictionary(kind) else kind
    fits = (t.is_integer, t.is_boolean, t.is_string, t.is_large_string, t.is_date, t.is_null)
    if not any(fit(kind) for fit in fits):
        what = f"{name!r} holds {kind}: folders are made of whole numbers, texts, days, true and false"
        raise BadInput(what, column=name, fix="name another column for --partition")


def _text(value: Any) -> str:
    if value is None or value == "":
        return _NONE
    return quote(str(value).lower() if isinstance(value, bool) else str(value), safe="").replace(".", "%2E")


def read(file: Path) -> tuple[pa.Table, Any]:
    """A part that is no partition's, and the lines that it extends."""
    from pyarrow import parquet

    # a file of its own: as a dataset, folders above it would become columns
    return without_lines(parquet.ParquetFile(file).read())


def with_lines(table: pa.Table, lines: list[bytes] | None) -> pa.Table:
    """The table with the lines that it extends as a column."""
    import pyarrow as pa

    return table if lines is None else table.append_column(_LINE, pa.array(lines, pa.binary()))


def without_lines(table: pa.Table) -> tuple[pa.Table, list[bytes] | None]:
    """What `with_lines` made a table of."""
    if _LINE not in table.column_names:
        return table, None
    return table.drop_columns([_LINE]), table.column(_LINE).to_pylist()
