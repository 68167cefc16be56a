"""A micro-batch -> the versions that answer its records: each record is for one, by the table of a rollout."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from .batches import Asking, Batch, Share

if TYPE_CHECKING:
    from ...data.log import Record
    from ...inference.predictor import Predictor
    from ...routing.table import Table


@dataclass(frozen=True, eq=False)
class Route:
    """A routing table, and the predictors of its versions that answer, the live one first."""

    table: Table
    predictors: tuple[Predictor, ...]

    @property
    def live(self) -> Predictor:
        """That of the version that is live."""
        return self.predictors[0]


class Routed:
    """Asks the versions of a route. Which one a record is for depends on the record alone: by the column or header
    that the table says, where that header is missing by its key, else by its place in its source. Asked again after a
    kill it meets the same."""

    def __init__(self, route: Route, form: str) -> None:
        self.table = route.table
        self.askings = [Asking(predictor, form) for predictor in route.predictors]

    def __call__(self, records: list[Record]) -> Batch:
        """The answers to all records, and those that got none."""
        if self.table.shadow:  # which is asked elsewhere
            batch, share = _asked(self.askings[0], self.table.ref, records)
            return replace(batch, shares=(share,))
        if len(self.askings) == 1 or self.table.bandit:  # nothing is earned here: the live version answers
            return self.askings[0](records)
        return self._split(records)

    def _split(self, records: list[Record]) -> Batch:
        places = [self.table.fixed(_name(self.table, record)) for record in records]
        batches, shares = [], []
        for place, (ref, asking) in enumerate(zip(self.table.refs, self.askings, strict=True)):
            if own := [record for record, other in zip(records, places, strict=True) if other == place]:
                batch, share = _asked(asking, ref, own)
                batches.append(batch)
                shares.append(share)
        return _merged(records, batches, tuple(shares))


def _asked(asking: Asking, ref: str, records: list[Record]) -> tuple[Batch, Share]:
    began = time.perf_counter()
    batch = asking(records)
    return batch, Share(ref, len(batch.records), len(batch.dead), time.perf_counter() - began)


def _merged(records: list[Record], batches: list[Batch], shares: tuple[Share, ...]) -> Batch:
    """The same as one batch, in the order of its records."""
    pairs = sorted(
        (record.offset, record, line)
        for batch in batches
        for record, line in zip(batch.records, batch.lines, strict=True)
    )
    dead = sorted((one for batch in batches for one in batch.dead), key=lambda one: one.record.offset)
    kept, lines = [record for _, record, _ in pairs], [line for *_, line in pairs]
    return Batch(records[0].offset, records[-1].offset, kept, lines, dead, records[0].lane, shares)


def _name(table: Table, record: Record) -> bytes:
    """What says which version a record is for."""
    found = _field(record, table.column) if table.column else _header(record, table.header) if table.header else None
    found = record.key if found is None and table.header else found
    return f"{record.lane}@{record.offset}".encode() if found is None else str(found).encode()


def _field(record: Record, column: str) -> Any:
    try:
        said = orjson.loads(record.value)
    except orjson.JSONDecodeError:
        return None
    return said.get(column) if type(said) is dict else None


def _header(record: Record, name: str) -> Any:
    return next((value for header, value in (record.headers or {}).items() if header.lower() == name), None)
