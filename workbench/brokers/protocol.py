"""What a stream asks of any broker, and of the embedded log: records in order, and that what is done is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from .. import text
from ..errors import StorageError

if TYPE_CHECKING:
    from ..data.log import Record

_YEAR_10_000 = 253_402_300_800
Marks = dict[str, int]
"""Up to which offset of each lane. A lane is what a broker keeps in order: a partition; where all is, it is called ''.
Lane and offset are the identity of a record: a sink that keeps them takes no record twice."""


def of_lane(source: str, lane: str) -> str:
    """The name under which it is kept how far the records of one lane of a source came."""
    return f"{source}/{lane}" if lane else source


def happened(said: Any, put: float) -> float:
    """When a record happened, by what it says itself in seconds since 1970; when it was put, where that is no time."""
    try:
        at = float(said)
    except (TypeError, ValueError):
        return put
    return at if 0 < at < _YEAR_10_000 else put


class NotTaken(StorageError):
    """Some of the values will never be taken; `which` of them, by their places in the list, and whether the `others`
    were."""

    def __init__(self, what: str, which: list[int], fix: str, *, others: bool = False) -> None:
        super().__init__(what, fix=fix)
        self.which, self.others = which, others


def refuse_large(label: str, values: Sequence[bytes], most: int) -> None:
    """NotTaken where values have more bytes than a broker takes."""
    if which := [number for number, value in enumerate(values) if len(value) > most]:
        size = text.count(len(values[which[0]]))
        what = f"{label} takes records of {text.count(most)} bytes at most, and one has {size}"
        raise NotTaken(what, which, "allow more there, or put smaller ones")


class Reader(Protocol):
    """One reader of a group. What happens to a record is decided by its batch: answered and dead letters are done,
    with all that was before them in their lane; for all others the reader is told to `seek` back.

    StorageError where the broker cannot be asked now: it is asked again later, and nothing is lost.
    """

    name: str
    """For what is kept beside it, such as dead letters: the name of a queue."""
    label: str
    """For people."""

    @property
    def changes(self) -> int:
        """How often lanes were taken from it; what was polled before is not for it to write any more."""

    @property
    def source(self) -> str:
        """For sinks: it tells the records that this group reads from all others. Known once it is acquired."""

    @property
    def done(self) -> Marks:
        """What counts as done in the lanes that are known."""

    def acquire(self, stopping: Callable[[], bool]) -> bool:
        """Begin, as soon as nobody else reads what only one may read; False where it was told to stop meanwhile."""

    def poll(self, most: int, timeout: float) -> list[Record]:
        """The next records, of one lane, as soon as there are any; none when the time, in seconds, is up."""

    def commit(self, marks: Marks) -> None:
        """All up to there is done. StorageError where that is no longer for this reader to say."""

    def seek(self, marks: Marks) -> None:
        """Read on after these, without counting anything as done."""

    def find(self, place: str) -> Marks:
        """`start`, `end`, an offset, or a time as people say it -> after which records that is. UsageError."""

    def rewind(self, marks: Marks) -> None:
        """Read on after these, and count what is up to there as done, and nothing else."""

    def lag(self) -> int:
        """How many records are not done."""

    def close(self) -> None:
        """Let another read for the group."""


class Topic(Protocol):
    """Where records are put. `tells`: it keeps up to where it has those of a source, and takes none twice."""

    label: str
    tells: bool

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
    ) -> Any:
        """Add records, in order: those of a source up to `offset`, where one is named, each the answer to one of
        `offsets`. `times`: when what each is about happened, in seconds since 1970; without them now. StorageError;
        NotTaken where some will never be taken."""

    def position(self, source: str) -> int:
        """Up to where the records of a source were added; 0 where that is not known."""

    def newest(self, most: int) -> list[Record]:
        """The last records, the newest last. NotFound where there is no such topic."""

    def named(self, record: Record) -> str:
        """What people call the place of a record."""

    def close(self) -> None:
        """Nothing more is put; StorageError where something that was put did not arrive."""
