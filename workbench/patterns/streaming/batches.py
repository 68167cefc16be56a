"""The records of a micro-batch -> what is answered to each, and those that nothing can be answered to."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from ...data.decoding import Decoder
from ...data.encoding import lists
from ...errors import BadInput, ModelFailed, StorageError, WorkbenchError
from . import columns
from .lines import lines

if TYPE_CHECKING:
    from ...brokers.protocol import Marks
    from ...data.log import Record
    from ...inference.predictor import Predictor
    from .forms import Form

_FRAMES, _SHOWN = 6, 4000


@dataclass(frozen=True, slots=True)
class Dead:
    """A record that nothing can be answered to, and why: where the model failed, at which lines, and that another time
    it may not."""

    record: Record
    reason: str
    again: bool = False
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """What the version `ref` did of a micro-batch: how many records it answered and failed at, in how many seconds; of
    a shadow, to how many its answer was equal, different, or failed, and how many it was not asked about."""

    ref: str
    answered: int
    failed: int
    seconds: float
    outcomes: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(slots=True)
class Batch:
    """Records of one lane that were answered, in order, each with its line: the JSON object that came, with the
    predictions added.

    `first` and `last` are the offsets that the whole batch covers, with the dead; `time` is the field that says when
    each happened, if one does.
    """

    first: int
    last: int
    records: list[Record] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    dead: list[Dead] = field(default_factory=list)
    lane: str = ""
    shares: tuple[Share, ...] = ()
    time: str = ""

    @property
    def size(self) -> int:
        """How many records it is about."""
        return len(self.records) + len(self.dead)

    @property
    def marks(self) -> Marks:
        """Up to where it reaches in its lane."""
        return {self.lane: self.last}

    def after(self, offset: int) -> Batch:
        """The same batch without what is there already, which is all up to this offset."""
        if offset < self.first:
            return self
        kept = [number for number, record in enumerate(self.records) if record.offset > offset]
        dead = [one for one in self.dead if one.record.offset > offset]
        return replace(self, records=[self.records[i] for i in kept], lines=[self.lines[i] for i in kept], dead=dead)

    def without(self, dead: list[Dead]) -> Batch:
        """The same batch without the answers to these."""
        gone = {one.record.offset for one in dead}
        kept = [number for number, record in enumerate(self.records) if record.offset not in gone]
        return replace(self, records=[self.records[i] for i in kept], lines=[self.lines[i] for i in kept])

    def rows(self) -> list[dict[str, Any]]:
        """Each record's fields and the predictions, as a dict; when it happened as a time."""
        rows = [orjson.loads(line) for line in self.lines]
        if self.time:
            for row, record in zip(rows, self.records, strict=True):
                if row[self.time] == columns.text(record.at):
                    row[self.time] = columns.moment(record.at)
        return rows


class Unfit(StorageError):
    """A sink will never take the answers to some records of a batch; it takes the others, or `took` them."""

    def __init__(self, dead: list[Dead], took: Marks | None = None) -> None:
        super().__init__(dead[0].reason, fix="they go to the dead letters")
        self.dead, self.took = dead, took


class Asking:
    """Asks a predictor about micro-batches; a record that is wrong, or that the model fails at, is alone in that.

    What becomes of a record does not depend on those beside it: all are asked at once only where that is the same.
    """

    def __init__(self, predictor: Predictor, form: str = "json") -> None:
        from .forms import form as form_of

        self.predictor, self.decoder = predictor, Decoder(predictor.schema)
        self.form = form_of(form, predictor.schema)

    def __call__(self, records: list[Record]) -> Batch:
        """The answers to all records, and those that got none."""
        return self._asked(records) if self.form is None else self._formed(records, self.form)

    def _formed(self, records: list[Record], form: Form) -> Batch:
        """The same of records that are not JSON; those that die are as they came."""
        read = [form(record) for record in records]
        wrong = [one for one in read if isinstance(one, Dead)]
        good = [one for one in read if not isinstance(one, Dead)]
        as_they_came = {record.offset: record for record in records}
        batch = self._asked(good) if good else Batch(0, 0)
        dead = [replace(one, record=as_they_came[one.record.offset]) for one in batch.dead]
        dead = sorted(wrong + dead, key=lambda one: one.record.offset)
        first, last, lane = records[0].offset, records[-1].offset, records[0].lane
        return Batch(first, last, batch.records, batch.lines, dead, lane)

    def _asked(self, records: list[Record]) -> Batch:
        first, last, lane = records[0].offset, records[-1].offset, records[0].lane
        said = _all_read(records) or [_read(record) for record in records]
        dead = [found for found in said if type(found) is Dead]
        if dead:
            records = [record for record, found in zip(records, said, strict=True) if type(found) is not Dead]
            said = [found for found in said if type(found) is not Dead]
        made = self._lines(records, said)
        if failed := [line for line in made if isinstance(line, Dead)]:
            records = [record for record, line in zip(records, made, strict=True) if not isinstance(line, Dead)]
            dead = sorted(dead + failed, key=lambda one: one.record.offset)
        return Batch(first, last, records, [line for line in made if not isinstance(line, Dead)], dead, lane)

    def _lines(self, records: list[Record], said: list[Any]) -> list[bytes | Dead]:
        """Each record's line: by halves, so that one that fails costs its neighbours little."""
        if len(said) < 2 or not self.predictor.row_wise:
            return [self._alone(record, one) for record, one in zip(records, said, strict=True)]
        made = self._together(records, said)
        if made is not None:
            return list(made)
        middle = len(said) // 2
        return self._lines(records[:middle], said[:middle]) + self._lines(records[middle:], said[middle:])

    def _together(self, records: list[Record], said: list[Any]) -> Sequence[bytes | Dead] | None:
        try:
            table = self._table(said)
            return None if table is None else lines(records, said, lists(self.predictor.predict(table)))
        except Exception:  # noqa: BLE001 which record it was is found by asking fewer
            return None

    def _table(self, said: list[Any]) -> Any:
        """The columns of records as each alone has them; None where they might have others beside each other."""
        if type(said[0]) is not dict:
            columns = self.decoder.of_rows(said)
            return self.predictor.schema.table(said) if columns is None else self.decoder.table([columns])
        columns = self.decoder.of_records(said)
        if columns is not None:
            return self.decoder.table([columns])
        ordered = self.predictor.schema.kind == "array"  # its columns may be read in the order of a record's fields
        same = not self.decoder.plain and len({tuple(one) if ordered else frozenset(one) for one in said}) == 1
        return self.predictor.schema.table(said) if same else None

    def _alone(self, record: Record, said: Any) -> bytes | Dead:
        try:
            answer = lists(self.predictor.predict(self.predictor.schema.table([said])))
            return lines([record], [said], answer)[0]
        except BadInput as error:
            return Dead(record, _reason(error))
        except ModelFailed as error:
            return Dead(record, _reason(error), again=True, trace=_trace(error.__cause__))
        except WorkbenchError:
            raise
        except Exception as error:  # noqa: BLE001 whatever a model raises, the next record is asked
            return Dead(record, f"{type(error).__name__}: {error}", again=True, trace=_trace(error))


def _reason(error: WorkbenchError) -> str:
    return " ".join(str(error).partition("\n→")[0].split())


def _trace(error: BaseException | None) -> str:
    """Where the model's own code raised."""
    return "".join(traceback.format_exception(error, limit=-_FRAMES, chain=False))[-_SHOWN:] if error else ""


def _all_read(records: list[Record]) -> list[Any] | None:
    """What all records say; None where one of them cannot be asked about."""
    try:
        said = [orjson.loads(record.value) for record in records]
    except orjson.JSONDecodeError:
        return None
    return said if all(said) and set(map(type, said)) <= {dict, list} else None


def _read(record: Record) -> Any:
    try:
        said = orjson.loads(record.value)
    except orjson.JSONDecodeError as error:
        return Dead(record, f"not JSON: {error}")
    return said if type(said) in (dict, list) and said else Dead(record, "neither a record nor a list of numbers")
