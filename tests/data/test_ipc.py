"""Arrow that is what it says, and Arrow that claims, repeats or compresses more than it holds."""

from __future__ import annotations

import random
import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from workbench.data import ipc
from workbench.errors import BadInput

ROWS = 77_777
TABLE = pa.table(
    {
        "whole": pa.array([1, None, 2**62]),
        "text": ["x", None, "z"],
        "tier": pa.array(["u", "v", "u"]).dictionary_encode(),
        "pair": pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int64(), 2)),
        "seen": pa.array([0, 1, None], pa.timestamp("us", tz="UTC")),
        "view": pa.array(["aa", None, "b" * 50], pa.string_view()),
    }
)


def written(table: pa.Table, new: Any = pa.ipc.new_stream, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with new(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=2)
    return bytes(sink.getvalue().to_pybytes())


def read(content: bytes) -> pa.Table:
    return ipc.read(content, "the body", None, 6)


@pytest.mark.parametrize("new", [pa.ipc.new_stream, pa.ipc.new_file])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_what_is_written_is_read(new: Any, compression: str | None) -> None:
    found = read(written(TABLE, new, compression=compression))
    assert found.drop("view").combine_chunks() == TABLE.drop("view").combine_chunks()
    assert found["view"].to_pylist() == TABLE["view"].to_pylist()


def test_a_file_without_an_end_of_its_stream_is_read() -> None:
    content = written(TABLE, pa.ipc.new_file)
    end = content.rindex(b"\xff\xff\xff\xff\0\0\0\0")
    assert read(content[:end] + content[end + 8 :]).num_rows == 3


def test_it_comes_back_as_it_went() -> None:
    plain = TABLE.drop("view")
    assert read(ipc.stream(plain)) == read(ipc.file(plain)) == plain


def test_only_wanted_columns_are_read() -> None:
    assert ipc.read(written(TABLE), "the body", {"whole", "other"}, 1).column_names == ["whole"]


def claiming(table: pa.Table, said: int, claimed: int) -> bytes:
    """A stream of this table that claims another number wherever it says this one."""
    content = ipc.stream(table)
    assert struct.pack("<q", said) in content
    return content.replace(struct.pack("<q", said), struct.pack("<q", claimed))


NULLS = pa.table({"a": pa.nulls(ROWS)})
CLAIMS = {
    "rows of nothing": (NULLS, ROWS, 2**40),
    "numbers": (pa.table({"a": np.ones(ROWS)}), ROWS, 2**40),
    "some numbers more": (pa.table({"a": np.ones(ROWS)}), ROWS, ROWS + 9999),
    "less than nothing": (pa.table({"a": np.ones(ROWS)}), ROWS, -5),
    "truths": (pa.table({"a": [True] * ROWS}), ROWS, 2**40),
    "texts": (pa.table({"a": ["x"] * ROWS}), ROWS, 2**40),
    "bytes": (pa.table({"a": np.ones(ROWS)}), 8 * ROWS, 2**40),
    "lists of nothing": (pa.table({"a": pa.FixedSizeListArray.from_arrays(pa.nulls(3 * ROWS), 3)}), ROWS, 2**40),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_more_rows_than_there_are_bytes_are_refused(claim: str) -> None:
    with pytest.raises(BadInput, match="the body is no Arrow that can be read"):
        read(claiming(*CLAIMS[claim]))


@pytest.mark.parametrize("size", [2**50, 2**62, -5, 10])
def test_compressed_bytes_that_are_more_or_fewer_than_said_are_refused(size: int) -> None:
    sink = pa.BufferOutputStream()
    table = pa.table({"a": [7] * 100_000})
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    content = sink.getvalue().to_pybytes()
    assert struct.pack("<q", 800_000) in content
    with pytest.raises(BadInput):
        read(content.replace(struct.pack("<q", 800_000), struct.pack("<q", size)))


def test_many_batches_that_are_each_small_are_counted_together() -> None:
    zeros = pa.record_batch({"a": np.zeros(1 << 20)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, zeros.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        for _ in range(40):
            writer.write_batch(zeros)
    content = sink.getvalue().to_pybytes()
    assert len(content) < 1 << 20
    before = pa.total_allocated_bytes()
    with pytest.raises(BadInput, match="decompresses to far more"):
        read(content)
    assert pa.total_allocated_bytes() - before < 1 << 20


def dictionary(value: Any, times: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(times, np.int8)), value)


def repeated(view: bytes, times: int) -> pa.Array:
    """Views of one long text, many times."""
    one = pa.array([view], pa.binary_view())
    return pa.Array.from_buffers(
        pa.binary_view(), times, [None, pa.py_buffer(bytes(one.buffers()[1])[:16] * times), *one.buffers()[2:]]
    )


BOMBS = {
    "a dictionary of one long text": pa.table({"a": dictionary(pa.array(["x" * 1_000_000]), 100_000)}),
    "views of one long text": pa.table({"a": repeated(b"x" * 1_000_000, 100_000)}),
    "two dictionaries": pa.table({n: dictionary(pa.array(["x" * 10_000]), 1_000) for n in "ab"}),
    "runs": pa.table({"a": pa.RunEndEncodedArray.from_arrays(pa.array([2**30]), pa.array([1]))}),
    "records without fields": pa.table({"a": pa.array([{}] * 1000, pa.struct([]))}),
    "records": pa.table({"a": pa.array([{"b": 1}])}),
    "a dictionary of lists": pa.table({"a": dictionary(pa.array([[1, 2]]), 3)}),
    "lists of dictionaries": pa.table({"a": pa.ListArray.from_arrays([0, 1], dictionary(pa.array(["x"]), 1))}),
    "a map": pa.table({"a": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))}),
    "very many columns": pa.table({f"c{i}": [1] for i in range(20_000)}),
    "a column twice": pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_stands_for_far_more_or_for_no_value_is_refused(bomb: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(ipc.stream(BOMBS[bomb]))
    assert caught.value.fix


def test_buffers_of_the_same_bytes_are_refused() -> None:
    """Four columns in the bytes of one: each would be copied."""
    content = ipc.stream(pa.table({f"c{i}": np.ones(1000) for i in range(4)}))
    starts = [struct.pack("<qq", start, 8000) for start in (0, 8000, 16_000, 24_000)]
    assert all(start in content for start in starts)
    for start in starts[1:]:
        content = content.replace(start, starts[0])
    length = struct.pack("<q", 4 * 8000)
    assert content.count(length) == 1
    with pytest.raises(BadInput, match="overlap"):
        read(content.replace(length, struct.pack("<q", 8000)))


@pytest.mark.parametrize(
    "content", [b"", b"ARROW1", b"ARROW1\0\0", b"x" * 100, b"\xff" * 100, b"ARROW1\0\0" + b"\0" * 50 + b"ARROW1"]
)
def test_what_is_no_arrow_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        read(content)


def test_damage_anywhere_is_refused_or_harmless() -> None:
    chance = random.Random(7)
    contents = [
        written(TABLE, new, compression=how) for new in (pa.ipc.new_stream, pa.ipc.new_file) for how in (None, "zstd")
    ]
    for turn in range(4000):
        content = bytearray(contents[turn % 4])
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(len(content))] = chance.choice([0, 255, chance.randrange(256)])
        try:
            read(bytes(content[: chance.choice([len(content), chance.randrange(len(content))])])).to_pylist()
        except (BadInput, ValueError, OverflowError, pa.ArrowException):
            pass  # the latter of `to_pylist`, for dates beyond Python's
