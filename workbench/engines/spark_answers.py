"""What tasks answered to records -> the process that writes it: columns of bytes, in a file where both have one disk.

Through Spark each answer would be copied half a dozen times, and all of a batch would lie in the memory of Java.
"""

from __future__ import annotations

import gc
import os
import pickle
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..data.log import Record
from ..patterns.streaming.batches import Asking, Batch, Dead
from . import spark_task
from .spark_sources import LANE, OFFSET, VALUE

if TYPE_CHECKING:
    import pyarrow as pa

    from .spark_task import Told

ANSWERED = "answered"
_PROTOCOL = 5
_EACH = 1 << 32
"""So many offsets has a batch whose records have none of their own."""
_record = partial(tuple.__new__, Record)


class Piece(NamedTuple):
    """What came of some records of a lane, in order: their offsets from `first` to `last`, which are counted from 1
    where the lane has no name; when they were asked about; what was answered to which of them, and the dead."""

    lane: str
    first: int
    last: int
    at: float
    offsets: list[int]
    values: list[bytes]
    lines: list[bytes]
    dead: list[Dead]


class Laid(NamedTuple):
    """Where a piece lies instead."""

    place: str

    def put(self, piece: Piece) -> None:
        """OSError where nothing is left of it."""
        try:
            with open(self.place, "wb") as file:
                pickle.dump(piece, file, _PROTOCOL)
        except OSError:
            with suppress(OSError):
                os.unlink(self.place)
            raise

    def taken(self) -> Piece:
        with open(self.place, "rb") as file:
            piece: Piece = pickle.load(file)  # noqa: S301 our own tasks'
        os.unlink(self.place)
        return piece


def answering(
    told: Told, form: str, place: Path | None, *, apart: bool = False
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What `mapInArrow` is given: records as bytes -> what was answered to each, or where it lies in `place`. `apart`:
    a record may end the process that asks the model."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        with spark_task.asked(told, apart=apart) as predictor:
            asking = Asking(predictor, form)
            for batch in batches:
                with uncollected():
                    said = [_packed(_piece(asking(records)), place) for records in _records(batch)]
                yield pa.RecordBatch.from_arrays([pa.array(said, pa.binary())], [ANSWERED])

    return work


def _records(batch: pa.RecordBatch) -> Iterable[list[Record]]:
    """Those of each lane."""
    values, nothing = batch.column(VALUE).to_pylist(), repeat(None)
    if not values:
        return ()
    rest = repeat(time.time()), nothing, nothing
    if OFFSET not in batch.schema.names:
        columns = range(1, len(values) + 1), *rest, values, repeat("")
        return [list(map(_record, zip(*columns)))]  # noqa: B905 some have no end
    lanes: dict[str, list[Record]] = {}
    columns = batch.column(OFFSET).to_pylist(), *rest, values, batch.column(LANE).to_pylist()
    for record in map(_record, zip(*columns)):  # noqa: B905 some have no end
        lanes.setdefault(record.lane, []).append(record)
    return lanes.values()


def _piece(made: Batch) -> Piece:
    at = (made.records or [one.record for one in made.dead])[0].at
    offsets, values = [one.offset for one in made.records], [one.value for one in made.records]
    return Piece(made.lane, made.first, made.last, at, offsets, values, made.lines, made.dead)


def _packed(piece: Piece, place: Path | None) -> bytes:
    """A piece, or where it lies; where that cannot be, for a full disk say, it goes through Spark after all."""
    if place is None:
        return pickle.dumps(piece, _PROTOCOL)
    laid = Laid(str(place / secrets.token_hex(8)))
    try:
        laid.put(piece)
    except OSError:
        return pickle.dumps(piece, _PROTOCOL)
    return pickle.dumps(laid)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of garbage, which would look through thousands of records over and over."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def batches(found: pa.Table, epoch: int) -> Iterator[Batch]:
    """What was answered in one batch of Spark, as a batch for each lane, in order."""
    lanes: dict[str, list[Piece]] = {}
    for said in chain.from_iterable(found.column(ANSWERED).chunks):
        piece = pickle.loads(said.as_buffer())  # noqa: S301 our own tasks'
        piece = piece.taken() if isinstance(piece, Laid) else piece
        lanes.setdefault(piece.lane, []).append(piece)
    for lane, pieces in lanes.items():
        yield _joined(lane, sorted(pieces, key=_first) if lane else list(_numbered(pieces, epoch)))


def _first(piece: Piece) -> int:
    return piece.first


def _numbered(pieces: list[Piece], epoch: int) -> Iterator[Piece]:
    """Lines of files, with offsets among all that there ever were."""
    done = epoch * _EACH
    for one in pieces:
        dead = [replace(dead, record=dead.record._replace(offset=done + dead.record.offset)) for dead in one.dead]
        offsets = [done + offset for offset in one.offsets]
        yield one._replace(first=done + one.first, last=done + one.last, offsets=offsets, dead=dead)
        done += one.last


def _joined(lane: str, pieces: list[Piece]) -> Batch:
    batch = Batch(pieces[0].first, pieces[-1].last, lane=lane)
    nothing, lanes = repeat(None), repeat(lane)
    for one in pieces:
        columns = one.offsets, repeat(one.at), nothing, nothing, one.values, lanes
        batch.records += map(_record, zip(*columns))  # noqa: B905 some have no end
        batch.lines += one.lines
        batch.dead += one.dead
    return batch
