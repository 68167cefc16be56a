"""The dead letters of a stream: looked at, fixed, and given to it again."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import text
from ..brokers import again
from ..data import places
from ..data.log import Record
from ..data.log_groups import Group
from ..errors import BadInput, StorageError, UsageError
from .elsewhere import SPARK

if TYPE_CHECKING:
    import pandas as pd

    from ..data.log import Log
    from .running import Running

_SETTLED = "settled"
_MOST = 1_000_000
_SHOWN = 20
_WHY = ("error", "offset", "at", "lane", "traceback", "tries", "due")
"""The headers that say why a record is a dead letter, beside its own."""


@dataclass(frozen=True)
class DeadLetters:
    """Records that nothing could be answered to, the newest last, and what becomes of them."""

    name: str
    letters: list[Record] = field(repr=False)
    said: str = ""

    def __len__(self) -> int:
        return len(self.letters)

    def frame(self) -> pd.DataFrame:
        """One row a letter: `offset` in the source, `at` and `key` as they were, `error`, `traceback`, and the record's
        text as `value`. With values put right, it is what `dead-letters --replay --rows` takes."""
        import pandas as pd

        rows = [
            (_at(r), _moment(_why(r, "at")), r.key, _why(r, "error"), _why(r, "traceback"), _text(r))
            for r in self.letters
        ]
        return pd.DataFrame(rows, columns=["offset", "at", "key", "error", "traceback", "value"])

    def __str__(self) -> str:
        head = f"{self.name} · {text.count(len(self), 'dead letter') if self.letters else 'no dead letters'}"
        lines = [" · ".join(filter(None, [head, self.said]))]
        if self.letters:
            causes = Counter(_cause(r) for r in self.letters).most_common(5)
            lines += [f"  {text.count(number):>6} × {cause}" for cause, number in causes]
            shown = [(_place(r), _clock(_why(r, "at")), r.key or "", _brief(r)) for r in self.letters[-_SHOWN:]]
            lines += ["", text.table(("offset", "time", "key", "record"), shown)]
            lines += [f"  next  %workbench dead-letters {self.name} --replay · put right: .frame(), then --rows FRAME"]
        return "\n".join(lines)

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "said": self.said, "letters": json.loads(self.frame().to_json(orient="records"))}


def dead_letters(running: Running, name: str, *, replay: bool, rows: Any = None, discard: bool = False) -> DeadLetters:
    """Those that were not given back yet; with `replay` the stream is asked about them again, or about `rows` in their
    place. UsageError for what is no stream, or where another process settles them now."""
    job = running.job(name)
    if job.kind != "stream":
        raise UsageError(f"{job.name} is no stream", fix="%workbench deployments lists the streams")
    if rows is not None and not replay:
        raise UsageError("--rows go in the place of what is replayed", fix="--replay --rows ROWS")
    if replay and discard:
        raise UsageError("either --replay or --discard", fix="leave one out")
    if replay and job.spec.get("engine") == SPARK:
        fix = f"put them right into a file that it reads, then %workbench dead-letters {job.name} --discard"
        raise UsageError(f"{job.name} is answered by Spark, which reads nothing but {job.spec['input']}", fix=fix)
    place = job.facts.get("dead_letters")
    if not place:
        return DeadLetters(job.name, [])
    log = places.log(place)
    try:
        if not replay and not discard:
            return DeadLetters(job.name, _open(log))
        return _settled(job.name, log, replay=replay, rows=rows)
    finally:
        log.close()


def _open(log: Log) -> list[Record]:
    return log.read(log.offsets().get(_SETTLED, 0), _MOST)


def _settled(name: str, log: Log, *, replay: bool, rows: Any) -> DeadLetters:
    group = Group(log, _SETTLED)
    try:
        if not group.acquire(lambda: True):
            raise StorageError(f"another process replays the dead letters of {name}", fix="try it again in a moment")
        letters = _open(log)
        if not letters:
            return DeadLetters(name, [], "nothing to replay" if replay else "")
        count = _given_back(log, letters, rows) if replay else 0
        group.commit(letters[-1].offset)
    finally:
        group.release()
    if not replay:
        return DeadLetters(name, [], f"{text.count(len(letters), 'record')} discarded")
    return DeadLetters(name, [], f"{text.count(count, 'record')} given to it again")


def _given_back(log: Log, letters: list[Record], rows: Any) -> int:
    """Put them on the queue beside the stream, once; how many."""
    found = _values(letters, rows)
    values, keys, headers = ([getattr(one, what) for one in found] for what in ("value", "key", "headers"))
    beside = places.log(f"queue:{log.name.removesuffix('.dead')}.{again.LANE}")
    try:
        source, times = f"dead/{log.identity}", [one.at for one in found]
        beside.append(values, keys, headers, source=source, offset=letters[-1].offset, times=times)
    finally:
        beside.close()
    return len(found)


def _values(letters: list[Record], rows: Any) -> list[Record]:
    """What goes in the place of the letters."""
    if rows is None:
        return [_as_it_came(r) for r in letters]
    if {"value", "offset"} <= set(getattr(rows, "columns", ())):
        return _edited(letters, rows)
    from ..patterns.streaming.put import values_of

    return [Record(0, time.time(), None, None, value) for value in values_of(rows)]


def _edited(letters: list[Record], rows: Any) -> list[Record]:
    """Those of `frame()` that are left, with their values as they are now."""
    known = {_at(r): r for r in letters}
    given = list(zip(rows["offset"].tolist(), rows["value"].tolist(), strict=True))
    if strange := next((offset for offset, _ in given if offset not in known), None):
        raise BadInput(f"no dead letter has the offset {strange}", column="offset", fix="begin with .frame()")
    return [_as_it_came(known[offset])._replace(value=str(value).encode()) for offset, value in given]


def _as_it_came(letter: Record) -> Record:
    """With its own headers, and when it happened."""
    own = {name: value for name, value in (letter.headers or {}).items() if name not in _WHY}
    return letter._replace(headers=own or None, at=_why(letter, "at") or letter.at)


def _why(record: Record, name: str) -> Any:
    return (record.headers or {}).get(name)


def _cause(record: Record) -> str:
    said = str(_why(record, "error") or "no reason")
    return said if len(said) <= 90 else f"{said[:89]}…"


def _at(record: Record) -> int | str:
    """Its offset, after its lane where there is one."""
    lane, offset = _why(record, "lane"), _why(record, "offset")
    return f"{lane}:{offset}" if lane else offset or 0


def _place(record: Record) -> str:
    at = _at(record)
    return at if isinstance(at, str) else text.count(at)


def _moment(at: float | None) -> Any:
    import pandas as pd

    return pd.Timestamp(at or 0, unit="s", tz="UTC")


def _clock(at: float | None) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at or 0))


def _text(record: Record) -> str:
    return record.value.decode("utf-8", "replace")


def _brief(record: Record) -> str:
    said = _text(record)
    return said if len(said) <= 80 else f"{said[:79]}…"
