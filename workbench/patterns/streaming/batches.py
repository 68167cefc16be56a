"""The records of a micro-batch -> what is answered to each, and those that nothing can be answered to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from ...data.decoding import Decoder
from ...data.encoding import lists
from ...errors import BadInput, ModelFailed, WorkbenchError

if TYPE_CHECKING:
    from ...data.log import Record
    from ...inference.predictor import Predictor


@dataclass(frozen=True, slots=True)
class Dead:
    """A record that nothing can be answered to, and why."""

    record: Record
    reason: str


@dataclass(slots=True)
class Batch:
    """Records with their answers, in order; `first` and `last` are the offsets that the whole batch covers."""

    first: int
    last: int
    records: list[Record]
    said: list[Any]
    answers: dict[str, list[Any]]
    dead: list[Dead] = field(default_factory=list)

    def lines(self) -> list[bytes]:
        """Each record as it came, with the predictions added: JSON objects."""
        names = list(self.answers)
        each = zip(self.records, self.said, zip(*self.answers.values(), strict=True), strict=True)
        return [_line(record.value, said, names, row) for record, said, row in each] if names else []

    def rows(self) -> list[dict[str, Any]]:
        """Each record's fields and the predictions, as a dict."""
        return [orjson.loads(line) for line in self.lines()]


def _line(value: bytes, said: Any, names: list[str], row: tuple[Any, ...]) -> bytes:
    """The record's own text is kept; a prediction that is called like one of its fields gets a name of its own."""
    if type(said) is not dict:
        return orjson.dumps({"x": said, **dict(zip(names, row, strict=True))})
    free = [name if name not in said else f"{name}_predicted" for name in names]
    added = orjson.dumps(dict(zip(free, row, strict=True)))
    return value.strip()[:-1] + (b"," if said else b"") + added[1:] if row else value


class Asking:
    """Asks a predictor about micro-batches; a record that is wrong, or that the model fails at, is alone in that."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor, self.decoder = predictor, Decoder(predictor.schema)

    def __call__(self, records: list[Record]) -> Batch:
        """The answers to all records, and those that got none."""
        batch = Batch(records[0].offset, records[-1].offset, records, [], {})
        read = [_read(record) for record in records]
        batch.dead = [found for found in read if isinstance(found, Dead)]
        if batch.dead:
            dead = {found.record.offset for found in batch.dead}
            batch.records = [record for record in records if record.offset not in dead]
        batch.said = [found for found in read if not isinstance(found, Dead)]
        if batch.said:
            self._answer(batch)
        return batch

    def _answer(self, batch: Batch) -> None:
        together = self._together(batch.said) if self.predictor.row_wise or len(batch.said) == 1 else None
        if together is not None:
            batch.answers = together
            return
        pairs = list(self._apart(batch.records, batch.said))
        batch.dead += [answer for _, _, answer in pairs if isinstance(answer, Dead)]
        alive = [(record, said, answer) for record, said, answer in pairs if not isinstance(answer, Dead)]
        batch.records, batch.said = [record for record, _, _ in alive], [said for _, said, _ in alive]
        names = alive[0][2].keys() if alive else ()
        batch.answers = {name: [answer[name][0] for _, _, answer in alive] for name in names}

    def _apart(self, records: list[Record], said: list[Any]) -> Any:
        """Each record with its answer: by halves, so that one that fails costs its neighbours little."""
        if self.predictor.row_wise and len(said) > 1:
            answers = self._together(said)
            if answers is None:
                middle = len(said) // 2
                yield from self._apart(records[:middle], said[:middle])
                yield from self._apart(records[middle:], said[middle:])
                return
            for i, record in enumerate(records):
                yield record, said[i], {name: [values[i]] for name, values in answers.items()}
            return
        for record, one in zip(records, said, strict=True):
            yield record, one, self._alone(record, one)

    def _together(self, said: list[Any]) -> dict[str, list[Any]] | None:
        try:
            columns = self.decoder.of_records(said) if type(said[0]) is dict else self.decoder.of_rows(said)
            table = self.decoder.table([columns]) if columns is not None else self.predictor.schema.table(said)
            return lists(self.predictor.predict(table))
        except Exception:  # noqa: BLE001 which record it was is found by asking fewer
            return None

    def _alone(self, record: Record, said: Any) -> dict[str, list[Any]] | Dead:
        try:
            return lists(self.predictor.predict(self.predictor.schema.table([said])))
        except (BadInput, ModelFailed) as error:
            return Dead(record, str(error).partition("\n→")[0])
        except WorkbenchError:
            raise
        except Exception as error:  # noqa: BLE001 whatever a model raises, the next record is asked
            return Dead(record, f"{type(error).__name__}: {error}")


def _read(record: Record) -> Any:
    try:
        said = orjson.loads(record.value)
    except orjson.JSONDecodeError as error:
        return Dead(record, f"not JSON: {error}")
    return said if type(said) in (dict, list) and said else Dead(record, "neither a record nor a list of numbers")
