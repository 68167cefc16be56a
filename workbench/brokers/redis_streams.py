"""Redis Streams: `redis://HOST:PORT/DB?stream=NAME&group=G`, read by a group and written to."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..data.broker_places import name_of
from ..errors import NotFound, UsageError
from ..moments import moment
from .protocol import Marks
from .redis_hold import Hold
from .redis_words import connect, fields, id_of, in_words, offset_of, record

if TYPE_CHECKING:
    from ..data.grammar import Place
    from ..data.log import Record

_OWN, _CLAIMS = "workbench", "workbench-claims"
"""The two consumers of a group: of what comes in order, and of what others took and left."""
_LOOK = 0.05
_ABANDONED = 60.0
_FEW = 100
_COUNTED = 10_000
_END = 2**63 - 1


class RedisReader:
    """The only reader of a group. What it was given and has not done it is given again, before anything new.

    What another consumer of the group took and has not done for `claim=` seconds comes late: each such record is a lane
    of its own, since the sinks have what was after it.
    """

    changes = 0

    def __init__(self, at: Place, group: str, start: str) -> None:
        self.at, self.group, self.stream = at, group, at.options["stream"]
        self.start = {"start": "0", "end": "$"}.get(start, start)
        self.idle = float(at.options.get("claim", _ABANDONED))
        self.hold = Hold(at, self.stream, group)
        self.client = self.hold.client
        self.name, self.label = name_of(at.kind, self.stream), at.label
        self.source = f"{at.label}/{group}"
        self.done: Marks = {}
        self._begun = False
        self._again: str | None = "0"  # the id after which what was given before is read; None where that is done
        self._taken: deque[int] = deque()
        self._claimed: deque[Record] = deque()
        self._late: set[int] = set()  # of those, what was handed out and is not done
        self._looked = -self.idle

    def acquire(self, stopping: Callable[[], bool]) -> bool:
        """Wait until no other process reads for this group; False where it was told to stop meanwhile."""
        while not self.hold.take():
            if stopping():
                return False
            time.sleep(_LOOK)
        self._begin()
        self.done = {"": self._position()}
        return True

    def _begin(self) -> None:
        """The group, made if it is not there."""
        import redis

        with in_words(self.label):
            try:
                self.client.xgroup_create(self.stream, self.group, self.start, mkstream=True)
            except redis.exceptions.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
        self._begun, self._again = True, "0"

    def _position(self) -> int:
        """The offset before the first that is not done of those that it was given, or the last that it was given."""
        with in_words(self.label):
            first: Any = self.client.xpending_range(self.stream, self.group, "-", "+", 1, consumername=_OWN)
            if first:
                return offset_of(first[0]["message_id"]) - 1
            return offset_of(self._info()["last-delivered-id"])

    def _info(self) -> dict[str, Any]:
        groups: Any = self.client.xinfo_groups(self.stream)
        return next(group for group in groups if group["name"] == self.group.encode())

    def poll(self, most: int, timeout: float) -> list[Record]:
        """The next records: what was given before, what others left, then what is new."""
        if not self._begun:
            self._begin()
        while self._again is not None:
            entries = self._read(_OWN, self._again, most)
            self._again = entries[-1][0].decode() if entries else None
            if found := self._records(entries):
                return found
        if time.monotonic() - self._looked > self.idle:
            self._claim()
        if self._claimed:
            self._late.add(self._claimed[0].offset)
            return [self._claimed.popleft()]
        return self._records(self._read(_OWN, ">", most, max(1, int(timeout * 1000))))

    def _read(self, consumer: str, after: str, most: int, wait: int | None = None) -> list[Any]:
        """Entries with their fields; those that were deleted since have none."""
        import redis

        with in_words(self.label):
            try:
                said: Any = self.client.xreadgroup(self.group, consumer, {self.stream: after}, count=most, block=wait)
            except redis.exceptions.ResponseError as error:
                self._begun = not str(error).startswith("NOGROUP")  # it was removed: it is made again
                raise
            except redis.exceptions.RedisError:
                self._again = self._again or self._last()  # what it was given then has not arrived
                raise
        return said[0][1] if said else []

    def _last(self) -> str:
        """The last entry that has arrived."""
        return id_of(self._taken[-1] if self._taken else self.done[""])

    def _records(self, entries: list[Any]) -> list[Record]:
        if gone := [id.decode() for id, content in entries if not content]:
            self.hold.ack(gone)
        found = [record(id, content) for id, content in entries if content]
        self._taken.extend(one.offset for one in found)
        return found

    def _claim(self) -> None:
        """What was claimed in an earlier life, and what other consumers have left for too long."""
        idle = int(self.idle * 1000)
        with in_words(self.label):
            consumers: Any = self.client.xinfo_consumers(self.stream, self.group)
            for other in (one["name"].decode() for one in consumers if one["pending"]):
                if other not in (_OWN, _CLAIMS):
                    found: Any = self.client.xpending_range(
                        self.stream, self.group, "-", "+", _FEW, consumername=other, idle=idle
                    )
                    if ids := [one["message_id"] for one in found]:
                        self.client.xclaim(self.stream, self.group, _CLAIMS, idle, ids, justid=True)
        known = {one.offset for one in self._claimed} | {offset_of(lane.encode()) for lane in self.done if lane}
        known |= self._late
        entries = self._read(_CLAIMS, "0", _FEW)
        late = [record(id, content, id.decode()) for id, content in entries if content]
        self._claimed.extend(one for one in late if one.offset not in known)
        self._looked = time.monotonic()

    def commit(self, marks: Marks) -> None:
        """All up to there is done, in the stream's own order; what was claimed, each by itself."""
        for lane, upto in marks.items():
            done = [id_of(one) for one in self._taken if one <= upto] if not lane else [lane]
            self.hold.ack(done or self._given(upto))
            while not lane and self._taken and self._taken[0] <= upto:
                self._taken.popleft()
            self.done[lane] = upto
            self._late.discard(upto)

    def _given(self, upto: int) -> list[str]:
        """What it was given up to there in an earlier life."""
        with in_words(self.label):
            own: Any = self.client.xpending_range(
                self.stream, self.group, "-", id_of(upto), _COUNTED, consumername=_OWN
            )
        return [one["message_id"].decode() for one in own]

    def seek(self, marks: Marks) -> None:
        """Read on after this offset of what it was given."""
        self._late.clear()
        if "" in marks:
            self._again = id_of(marks[""])
            self._taken = deque(one for one in self._taken if one <= marks[""])

    def find(self, place: str) -> Marks:
        """After which entry a place is: `start`, `end`, an id, or a time. UsageError."""
        if place == "end":
            with in_words(self.label):
                about: Any = self.client.xinfo_stream(self.stream)
            return {"": offset_of(about["last-generated-id"])}
        if re.fullmatch(r"\d+-\d+", place):
            return {"": offset_of(place.encode())}
        return {"": 0 if place == "start" else offset_of(b"%d-0" % (1000 * moment(place, "id of an entry"))) - 1}

    def rewind(self, marks: Marks) -> None:
        """Read on after this; what it was given and has not done is not given again."""
        while given := self._given(_END):
            self.hold.ack(given)
        with in_words(self.label):
            self.client.xgroup_setid(self.stream, self.group, id_of(marks[""]))
        self.done[""], self._again = marks[""], None
        self._taken.clear()

    def lag(self) -> int:
        """How many records are not done: those that no consumer was given, and those that are pending."""
        if not self._begun:
            return 0
        with in_words(self.label):
            info = self._info()
            waiting = info.get("lag")
            if waiting is None:  # before Redis 7, or after records were deleted: counted up to a bound
                after = f"({info['last-delivered-id'].decode()}"
                waiting = len(self.client.xrange(self.stream, after, "+", count=_COUNTED))  # type: ignore[arg-type]
            return int(waiting) + int(info["pending"])

    def close(self) -> None:
        """Let another process read for the group."""
        self.hold.release()


_APPEND = """
local source, offset = ARGV[1], ARGV[2]
if source ~= '' then
  local before = redis.call('hget', KEYS[2], source)
  if before and (#before > #offset or (#before == #offset and before >= offset)) then return false end
end
local last, at = false, 3
while at <= #ARGV do
  local size = tonumber(ARGV[at])
  last = redis.call('xadd', KEYS[1], '*', unpack(ARGV, at + 1, at + size))
  at = at + size + 1
end
if source ~= '' then redis.call('hset', KEYS[2], source, offset) end
return last
"""


class RedisTopic:
    """A stream that records are put on: as many as come at once, and how far their source came, all or nothing."""

    tells = True

    def __init__(self, at: Place) -> None:
        self.at, self.stream, self.label = at, at.options["stream"], at.label
        self.key = f"{self.stream}:workbench" if "{" in self.stream else f"{{{self.stream}}}:workbench"
        self.client = connect(at, "workbench")

    def append(
        self,
        values: Sequence[bytes],
        keys: Sequence[str | None] | None = None,
        headers: Sequence[dict[str, Any] | None] | None = None,
        *,
        source: str = "",
        offset: int = 0,
        offsets: Sequence[int] = (),
        times: Sequence[float] = (),
    ) -> str | None:
        """Add records; the id of the last. Nothing is added if those of the source were added already."""
        none = [None] * len(values)
        given: list[Any] = [source, str(offset)]
        for value, key, head, at in zip(values, keys or none, headers or none, times or none, strict=True):
            content = fields(value, key, head, at)
            given += [len(content), *content]
        if not values and not source:
            return None
        with in_words(self.label):
            last: Any = self.client.eval(_APPEND, 2, self.stream, self.key, *given)
        return last.decode() if last else None

    def position(self, source: str) -> int:
        """Up to where the records of a source were added."""
        with in_words(self.label):
            found: Any = self.client.hget(self.key, source)
        return int(found) if found else 0

    def newest(self, most: int) -> list[Record]:
        """The last records, the newest last. NotFound where there is no such stream."""
        with in_words(self.label):
            found: Any = self.client.xrevrange(self.stream, count=most)
            if not found and not self.client.exists(self.stream):
                raise NotFound(f"there is no {self.label}", fix=f"%workbench put '{self.label}' ROWS makes it")
        return [record(id, content) for id, content in reversed(found)]

    def named(self, record: Record) -> str:
        """The id."""
        return id_of(record.offset)

    def close(self) -> None:
        """All that was put is there."""
        with suppress(UsageError):
            self.client.close()
