"""Micro-batches -> processes that ask the model about several at once; their answers are taken in the order in which
the batches were given, so that each key keeps its order however many processes there are, and whichever ends."""

from __future__ import annotations

import gc
import os
import signal
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ... import journal
from ...bundle.version import ModelVersion
from ...data.log import Record
from ...errors import ModelFailed, WorkbenchError
from ...routing.table import Table
from ...spawn.branch import branch
from ...spawn.child import end_with_owner
from .batches import Batch, Dead, Share
from .routed import Route, Routed

if TYPE_CHECKING:
    from ...inference.predictor import Predictor

Asked = Sequence[Record | bytes]
"""Of records their values alone, where no more of them is asked for."""
Told = tuple[list[bytes], list[tuple[int, str, bool, str]], tuple[Share, ...]]
"""The lines, the dead with the places of their records, and what each version did."""
_DEATHS = 5
_AHEAD = 2
"""Micro-batches for each process that are given and not taken: one that it is asked about, one that is ready for it."""


@dataclass(frozen=True)
class Bundle:
    """The routing `table`, where a process finds each of its versions that answer, the `form` of the records, whether
    the models are to be `fast`, and whether one that needs other packages has an environment of its `own`."""

    table: str
    folders: tuple[Path, ...]
    home: Path
    form: str = "json"
    fast: bool = False
    own: bool = False

    def to_json(self) -> dict[str, Any]:
        """As another process is told of it."""
        return {**self.__dict__, "folders": list(map(str, self.folders)), "home": str(self.home)}


@dataclass
class _Task:
    """A micro-batch, and what was answered."""

    records: list[Record]
    batch: Batch | None = None
    deaths: int = 0


@dataclass
class Hand:
    """One process, and what it is asked about, the first of it first. It is `loaded` once it has said so."""

    pid: int
    pipe: Any
    tasks: deque[_Task] = field(default_factory=deque)
    loaded: bool = False


@dataclass
class Crew:
    """`count` processes. The first ones are forks of this process, which share its model, so it must have no threads
    and must not have predicted; those that come later are fresh ones. With `apart` rows may end the process of the
    model, as they may in one that follows another. `where` says on which cluster they are, if on one. A process has so
    many micro-batches `at_once`: one that is far has the next there when it is done with one."""

    bundle: Bundle
    count: int
    apart: bool = False
    _hands: list[Hand] = field(default_factory=list)
    _given: deque[_Task] = field(default_factory=deque)
    _undealt: deque[_Task] = field(default_factory=deque)
    _unloaded: int = 0  # how many in a row ended before they had loaded the model
    where: str = ""
    at_once = 1

    def begin(self, *, fork: bool) -> Crew:
        """Start the processes."""
        if fork:
            gc.collect()
            gc.freeze()  # what is shared is not touched by a collection
        self._hands = [self._started(fork=fork, apart=self.apart) for _ in range(self.count)]
        return self

    def _started(self, *, fork: bool, apart: bool) -> Hand:
        pipe, theirs = Pipe()
        with theirs:
            args = {**self.bundle.to_json(), "apart": apart, "pipe": theirs.fileno(), "owner": os.getpid()}
            return Hand(branch(f"{__name__}:work", args, fds=[theirs.fileno()], fresh=not fork), pipe)

    @property
    def pids(self) -> list[int]:
        """The processes there are now."""
        return [hand.pid for hand in self._hands]

    @property
    def busy(self) -> bool:
        """Whether something was given that was not taken."""
        return bool(self._given)

    @property
    def room(self) -> int:
        """How many micro-batches more may be given."""
        return max(0, _AHEAD * self.count - len(self._given))

    @property
    def idle(self) -> int:
        """How many processes have nothing to do."""
        return max(0, min(self.count, len(self._hands)) - len(self._given))

    def resize(self, count: int) -> None:
        """So many processes from now on; of too many, one that is asked about something answers before it ends."""
        self.count = count
        self._hands += [self._started(fork=False, apart=self.apart) for _ in range(count - len(self._hands))]
        self._retire()

    def _retire(self) -> None:
        for hand in [hand for hand in self._hands if not hand.tasks][: max(0, len(self._hands) - self.count)]:
            self._hands.remove(hand)
            self._reaped(hand)

    def give(self, records: list[Record]) -> None:
        """Ask about these."""
        task = _Task(records)
        self._given.append(task)
        self._undealt.append(task)
        self._deal()

    def _deal(self) -> None:
        for ahead, hand in product(range(self.at_once), self._hands):
            if self._undealt and hand.loaded and len(hand.tasks) == ahead:
                hand.tasks.append(self._undealt.popleft())
                self._ask(hand, self._asked(hand.tasks[-1].records))

    def _asked(self, records: list[Record]) -> Asked:
        """What has to travel: of several versions the one that a record is for depends on all that it has."""
        return records if len(self.bundle.folders) > 1 else [record.value for record in records]

    def _ask(self, hand: Hand, asked: Asked) -> None:
        with suppress(OSError):  # it has ended, as is heard next
            hand.pipe.send(asked)

    def take(self, timeout: float) -> Batch | None:
        """The answers to the first of what was given; None where the time, in seconds, is up before. ModelFailed where
        a process ended again and again, BundleRefused where one cannot load the model."""
        if not self._given:
            self._hear(self._ready(0.0))  # who has ended with nothing to do is followed
            return None
        if self._given[0].batch is None:
            self._hear(self._ready(timeout))
        return self._given.popleft().batch if self._given[0].batch is not None else None

    def _ready(self, timeout: float) -> list[Hand]:
        """Those that have said something, or ended, within so many seconds."""
        ready = wait([hand.pipe for hand in self._hands], timeout)
        return [hand for hand in self._hands if hand.pipe in ready]

    def _said(self, hand: Hand) -> Told | WorkbenchError | None:
        """What a process says: None that it is loaded. EOFError, OSError where it has ended."""
        said: Told | WorkbenchError | None = hand.pipe.recv()
        return said

    def _hear(self, hands: Iterable[Hand]) -> None:
        for hand in hands:
            try:
                said = self._said(hand)
            except (EOFError, OSError):
                self._follow(hand)
                continue
            if isinstance(said, WorkbenchError):
                raise said
            hand.loaded, self._unloaded = True, 0
            if hand.tasks and said is not None:
                task = hand.tasks.popleft()
                task.batch = _batch(task.records, said)
        self._retire()
        self._deal()

    def _follow(self, hand: Hand) -> None:
        """Another process in the place of one that has ended, which is asked again."""
        how, task = self._reaped(hand), hand.tasks[0] if hand.tasks else None
        what = f"a process that answers for {Table.parse(self.bundle.table).ref} ended ({how})"
        self._unloaded += not hand.loaded
        if self._unloaded > _DEATHS:
            raise ModelFailed(f"{what}, {self._unloaded} times before it had loaded its model", fix="look into the log")
        if task is not None:
            task.deaths += 1
            if task.deaths > _DEATHS:
                raise ModelFailed(f"{what}, {task.deaths} times at the same records", fix="look into the log")
            self._undealt.extendleft(reversed(hand.tasks))
        journal.note(f"{what}; another follows it")
        self._hands[self._hands.index(hand)] = self._started(fork=False, apart=task is not None or self.apart)

    def _reaped(self, hand: Hand) -> str:
        """How a process ended, in words, that was let go."""
        hand.pipe.close()
        return f"pid {hand.pid}, {_words(os.waitstatus_to_exitcode(os.waitpid(hand.pid, 0)[1]))}"

    def _kill(self, hand: Hand) -> None:
        with suppress(ProcessLookupError):
            os.kill(hand.pid, signal.SIGKILL)

    def forget(self) -> None:
        """What was given is not waited for; processes that are asked about it answer nobody."""
        self._given.clear()
        self._undealt.clear()

    def close(self) -> None:
        """Let the processes end."""
        for hand in self._hands:
            self._kill(hand)
            self._reaped(hand)
        self._hands = []


def _batch(records: list[Record], told: Told) -> Batch:
    """What was answered, with the records themselves, which stayed here."""
    lines, dead, shares = told
    letters = [Dead(records[place], why, again, trace) for place, why, again, trace in dead]
    gone = {place for place, *_ in dead}
    kept = [record for place, record in enumerate(records) if place not in gone] if gone else records
    return Batch(records[0].offset, records[-1].offset, kept, lines, letters, records[0].lane, shares)


def work(args: dict[str, Any]) -> None:
    """The life of the process, until whoever asks has let go, or is gone."""
    end_with_owner(args["owner"])
    pipe = Connection(args["pipe"])
    try:
        asking = routed(args)
    except WorkbenchError as error:
        pipe.send(error)
        return
    pipe.send(None)
    while True:
        try:
            asked: Asked = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(answered(asking, asked))
        except WorkbenchError as error:
            pipe.send(error)
        except BrokenPipeError:
            return


def answered(asking: Routed, asked: Asked) -> Told:
    """What another process is told of a batch."""
    records = [_record(place, one) for place, one in enumerate(asked)]
    batch = asking(records)
    places = {record.offset: place for place, record in enumerate(records)} if batch.dead else {}
    dead = [(places[one.record.offset], one.reason, one.again, one.trace) for one in batch.dead]
    return batch.lines, dead, batch.shares


def _record(place: int, one: Record | bytes) -> Record:
    """It as a record again; a value alone has its place for its offset."""
    return Record._make((place, 0.0, None, None, one, "")) if type(one) is bytes else cast("Record", one)


def routed(args: dict[str, Any]) -> Routed:
    """What asks, of what a bundle says of itself."""
    return Routed(_route(args), args["form"])


def _route(args: dict[str, Any]) -> Route:
    table = Table.parse(args["table"])
    return Route(table, tuple(_predictor(*one, args) for one in zip(table.answering, args["folders"], strict=True)))


def _predictor(ref: str, folder: str, args: dict[str, Any]) -> Predictor:
    name, _, number = ref.partition("@")
    version, home = ModelVersion(name, int(number), Path(folder)), Path(args["home"])
    predictor = version.predictor(home, own=args["own"], apart=args["apart"])
    if args["fast"] and not args["apart"]:
        from ...fast.prove import quicken

        quicken(version, predictor)
    return predictor


def _words(code: int) -> str:
    return f"{signal.strsignal(-code)}" if code < 0 else f"exit code {code}"
