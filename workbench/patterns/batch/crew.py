"""Chunks -> processes that score several of them at once; what comes of them does not depend on how many there are."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import journal, text
from ...data.shared import Room
from ...errors import ModelFailed
from ...spawn.branch import branch
from .chunks import Chunk, Outcome
from .hand import LOADED, Given, Reply
from .parts import with_lines

if TYPE_CHECKING:
    from ...data.answers import Answers
    from .parts import Part

_AT_ONCE = 2
_DEATHS = 3
_LOOK = 0.2


@dataclass(frozen=True)
class Bundle:
    """Where a process finds the model: the folder of its version, what that is called, and the home of proofs."""

    folder: Path
    model: str
    home: Path


@dataclass
class _Hand:
    """One process, what it was given and has not answered, and since when it has the first of that (0 while it loads
    the model)."""

    pid: int = 0
    pipe: Connection[Any, Any] | None = None
    rooms: deque[Room] = field(default_factory=lambda: deque(Room() for _ in range(_AT_ONCE)))
    given: deque[tuple[Given, float | None]] = field(default_factory=deque)
    since: float = 0.0


class Crew:
    """Begun before this process has threads or has predicted, its processes are forks of it, which share the model.

    A chunk may take `timeout` seconds, and is tried again `retries` times where it takes longer; where a process
    ends, the next one asks the model in a process of its own, so that rows which end it are refused.
    """

    def __init__(
        self, bundle: Bundle, count: int, *, timeout: float | None = None, retries: int = 0, apart: bool = False
    ) -> None:
        self._bundle, self._timeout, self._retries = bundle, timeout, retries
        self._tries: Counter[tuple[int, str]] = Counter()  # by chunk, and by what went wrong with it
        gc.collect()
        gc.freeze()  # what is shared is not touched by a collection
        self._hands = [_Hand() for _ in range(count)]
        for hand in self._hands:
            self._start(hand, apart=apart)

    @property
    def pids(self) -> list[int]:
        """The processes that score now."""
        return [hand.pid for hand in self._hands]

    def _start(self, hand: _Hand, *, apart: bool) -> None:
        hand.pipe, theirs = Pipe()
        hand.since = 0.0
        fds = [theirs.fileno(), *(room.fd for room in hand.rooms), *(given.room for given, _ in hand.given)]
        said = {"folder": str(self._bundle.folder), "model": self._bundle.model, "home": str(self._bundle.home)}
        with theirs:
            args = {**said, "pipe": fds[0], "owner": os.getpid(), "apart": apart}
            hand.pid = branch("workbench.patterns.batch.hand:work", args, fds=fds)

    def score(
        self, chunks: Iterable[Chunk], part: Callable[[int], Part], answers: Answers, retries: int
    ) -> Iterator[Outcome]:
        """What comes of each chunk, in the order in which they are done. The first one is scored alone: its types are
        those of all. Raises what ends the run."""
        for chunk in chunks:
            while (hand := self._free()) is None:
                yield from self._heard(answers, _LOOK)
            self._give(hand, chunk, part(chunk.number), answers, retries)
            yield from self._heard(answers, 0.0)
            while not answers.known and self._busy():
                yield from self._heard(answers, _LOOK)
        while self._busy():
            yield from self._heard(answers, _LOOK)

    def _free(self) -> _Hand | None:
        least = min(self._hands, key=lambda hand: len(hand.given))
        return least if len(least.given) < _AT_ONCE else None

    def _busy(self) -> bool:
        return any(hand.given for hand in self._hands)

    def _give(self, hand: _Hand, chunk: Chunk, part: Part, answers: Answers, retries: int) -> None:
        piece, room = chunk.piece, hand.rooms.popleft()
        hand.rooms.append(room)  # as many as it has at once: this one is free again when its turn comes
        size = room.put(with_lines(piece.table, piece.lines))
        known = answers.to_json() if answers.known else None
        rows, first = piece.table.num_rows, piece.first_row
        given = Given(chunk.number, chunk.file, chunk.form, rows, first, room.fd, size, part, known, retries)
        if not hand.given and hand.since:
            hand.since = time.monotonic()
        hand.given.append((given, chunk.share))
        self._send(hand, given)

    @staticmethod
    def _send(hand: _Hand, given: Given) -> None:
        assert hand.pipe
        with suppress(OSError):  # it has ended, as is heard next
            hand.pipe.send(given)

    def _heard(self, answers: Answers, patience: float) -> Iterator[Outcome]:
        """What was answered meanwhile. A process that has ended, or takes too long, is followed by another."""
        ready = wait([hand.pipe for hand in self._hands if hand.pipe and hand.given], patience)
        for hand in [hand for hand in self._hands if hand.pipe in ready]:
            assert hand.pipe
            try:
                reply: Reply = hand.pipe.recv()
            except (EOFError, OSError):
                self._again(hand, f"ended: {_words(self._reaped(hand))}", _DEATHS)
                continue
            if (outcome := self._outcome(hand, reply, answers)) is not None:
                yield outcome
        if self._timeout is not None:
            self._end_the_late(self._timeout)

    def _end_the_late(self, timeout: float) -> None:
        for hand in self._hands:
            if hand.given and hand.since and time.monotonic() - hand.since > timeout:
                os.kill(hand.pid, signal.SIGKILL)
                self._reaped(hand)
                self._again(hand, f"took longer than {text.seconds(timeout)}", self._retries)

    def _outcome(self, hand: _Hand, reply: Reply, answers: Answers) -> Outcome | None:
        """What came of its first chunk; None where it says that it has loaded the model."""
        hand.since = time.monotonic()
        if reply.error is not None:
            raise reply.error
        if reply.number == LOADED:
            return None
        given, share = hand.given.popleft()
        if reply.answers is not None and not answers.known:
            answers.learn(reply.answers)
        return Outcome(given.number, given.file, given.rows, list(reply.rejects), lambda: reply.part, share)

    def _reaped(self, hand: _Hand) -> int:
        """Its exit code, below 0 for a signal."""
        assert hand.pipe
        hand.pipe.close()
        return os.waitstatus_to_exitcode(os.waitpid(hand.pid, 0)[1])

    def _again(self, hand: _Hand, why: str, most: int) -> None:
        """Let another process do what this one did not answer. ModelFailed where its chunk was tried too often."""
        given = hand.given[0][0]
        self._tries[given.number, why] += 1
        tries = self._tries[given.number, why]
        last = given.first_row + given.rows - 1
        what = f"rows {text.count(given.first_row)} to {text.count(last)}: the process that scored them {why}"
        if tries > most:
            hand.pipe = None
            fix = "correct the model, or allow more: --timeout, --retries"
            raise ModelFailed(what + f" ({tries} times)" * (tries > 1), where=given.file, fix=fix)
        journal.note(f"{given.file}, {what}; tried again")
        self._start(hand, apart=True)
        for given, _ in hand.given:
            self._send(hand, given)

    def close(self) -> None:
        """Let the processes end; what they have not answered is not waited for."""
        for hand in self._hands:
            if hand.pipe is not None:
                with suppress(ProcessLookupError):
                    os.kill(hand.pid, signal.SIGKILL)
                self._reaped(hand)
                hand.pipe = None
            for room in hand.rooms:
                room.close()


def _words(code: int) -> str:
    return f"{signal.strsignal(-code)} (signal {-code})" if code < 0 else f"exit code {code}"
