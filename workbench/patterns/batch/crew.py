"""Chunks -> processes that score several of them at once; what comes of them does not depend on how many there are."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ... import journal, text
from ...errors import ModelFailed
from .chunks import Chunk, Outcome
from .hand import LOADED, Given, Reply
from .parts import with_lines

if TYPE_CHECKING:
    import pyarrow as pa

    from ...data.answers import Answers
    from .parts import Part

AT_ONCE = 2
"""The chunks that a process has at a time: it goes on with the next while the last is put away."""
_DEATHS = 3
_LOOK = 0.2


@dataclass(frozen=True)
class Bundle:
    """Where a process finds the model: the folder of its version, what that is called, and the home of proofs; whether
    it answers in an environment of its `own` where it needs one."""

    folder: Path
    model: str
    home: Path
    own: bool = False


@dataclass
class Hand:
    """One process, which is `None` where there is none; what it was given and has not answered, and since when it has
    the first of that (0 while it loads the model). One that was `lost` is given nothing until another has loaded the
    model: nobody knows when there will be one."""

    process: Any = None
    given: deque[tuple[Given, float | None]] = field(default_factory=deque)
    since: float = 0.0
    lost: bool = False


class Gone(Exception):
    """A process has ended before it answered: why, in words, and whether that says something of the rows it had."""

    def __init__(self, why: str, *, blames: bool = True) -> None:
        super().__init__(why)
        self.why, self.blames = why, blames


class Hands(Protocol):
    """Where the processes are: on this machine, or on those of an engine."""

    def start(self, hand: Hand, *, apart: bool) -> None:
        """Give it a process, which asks the model in one of its own where it is to outlive it."""

    def put(self, hand: Hand, table: pa.Table) -> Any:
        """Lay the rows where its process reads them; where that is."""

    def send(self, hand: Hand, given: Given) -> None:
        """Give its process a chunk, or nothing where it has ended, which is heard next."""

    def ready(self, hands: list[Hand], patience: float) -> list[Hand]:
        """Those of them that have answered, or ended, within so many seconds."""

    def receive(self, hand: Hand) -> Reply:
        """What its process says next. Gone."""

    def kill(self, hand: Hand) -> None:
        """End its process now."""

    def facts(self, hands: list[Hand]) -> dict[str, Any]:
        """What is told of the processes."""

    def close(self, hands: list[Hand]) -> None:
        """End all of them, and what was begun for them."""


class Crew:
    """So many processes that score. A chunk may take `timeout` seconds, and is tried again `retries` times where it
    takes longer; where a process ends, the next one asks the model in a process of its own, so that rows which end it
    are refused.
    """

    def __init__(
        self, hands: Hands, count: int, *, timeout: float | None = None, retries: int = 0, apart: bool = False
    ) -> None:
        self._of, self._timeout, self._retries = hands, timeout, retries
        self._tries: Counter[tuple[int, str]] = Counter()  # by chunk, and by what went wrong with it
        self._left: deque[tuple[Given, float | None]] = deque()  # what those that were lost have left
        self._hands = [Hand() for _ in range(count)]
        for hand in self._hands:
            hands.start(hand, apart=apart)

    @property
    def facts(self) -> dict[str, Any]:
        """What is told of the processes that score now."""
        return self._of.facts(self._hands)

    def score(
        self, chunks: Iterable[Chunk], part: Callable[[int], Part], answers: Answers, retries: int
    ) -> Iterator[Outcome]:
        """What comes of each chunk, in the order in which they are done. The first one is scored alone: its types are
        those of all. Raises what ends the run."""
        for chunk in chunks:
            while self._left or (hand := self._free()) is None:
                yield from self._heard(answers, _LOOK)
            self._give(hand, chunk, part(chunk.number), answers, retries)
            yield from self._heard(answers, 0.0)
            while not answers.known and self._busy():
                yield from self._heard(answers, _LOOK)
        while self._busy():
            yield from self._heard(answers, _LOOK)

    def _free(self) -> Hand | None:
        able = [hand for hand in self._hands if not hand.lost]
        least = min(able, key=lambda hand: len(hand.given), default=None)
        return least if least and len(least.given) < AT_ONCE else None

    def _busy(self) -> bool:
        return bool(self._left) or any(hand.given for hand in self._hands)

    def _take_up(self) -> None:
        """Give others what those that were lost have left."""
        while self._left and (hand := self._free()) is not None:
            self._hand_over(hand, *self._left.popleft())

    def _give(self, hand: Hand, chunk: Chunk, part: Part, answers: Answers, retries: int) -> None:
        piece = chunk.piece
        room = self._of.put(hand, with_lines(piece.table, piece.lines))
        known = answers.to_json() if answers.known else None
        rows, first = piece.table.num_rows, piece.first_row
        given = Given(chunk.number, chunk.file, chunk.form, rows, first, room, part, known, retries)
        self._hand_over(hand, given, chunk.share)

    def _hand_over(self, hand: Hand, given: Given, share: float | None) -> None:
        if not hand.given and hand.since:
            hand.since = time.monotonic()
        hand.given.append((given, share))
        self._of.send(hand, given)

    def _heard(self, answers: Answers, patience: float) -> Iterator[Outcome]:
        """What was answered meanwhile. A process that has ended, or takes too long, is followed by another."""
        self._take_up()
        for hand in self._of.ready([hand for hand in self._hands if hand.given or hand.lost], patience):
            try:
                reply = self._of.receive(hand)
            except Gone as gone:
                self._again(hand, gone.why, _DEATHS) if gone.blames and hand.given else self._lost(hand, gone.why)
                continue
            if (outcome := self._outcome(hand, reply, answers)) is not None:
                yield outcome
        if self._timeout is not None:
            self._end_the_late(self._timeout)

    def _end_the_late(self, timeout: float) -> None:
        for hand in self._hands:
            if hand.given and hand.since and time.monotonic() - hand.since > timeout:
                self._of.kill(hand)
                self._again(hand, f"took longer than {text.seconds(timeout)}", self._retries)

    def _outcome(self, hand: Hand, reply: Reply, answers: Answers) -> Outcome | None:
        """What came of its first chunk; None where it says that it has loaded the model."""
        hand.since = time.monotonic()
        if reply.error is not None:
            raise reply.error
        if reply.number == LOADED:
            hand.lost = False
            return None
        given, share = hand.given.popleft()
        if reply.answers is not None and not answers.known:
            answers.learn(reply.answers)
        return Outcome(given.number, given.file, given.rows, list(reply.rejects), reply.keep(given.part), share)

    def _lost(self, hand: Hand, why: str) -> None:
        """It is through no fault of the rows: others take up what it had, while another is looked for."""
        journal.note(f"a process {why}; others do what it had")
        self._left.extend(hand.given)
        hand.given.clear()
        hand.since, hand.lost = 0.0, True
        self._of.start(hand, apart=False)

    def _again(self, hand: Hand, why: str, most: int) -> None:
        """Let another process do what this one did not answer. ModelFailed where its chunk was tried too often."""
        given = hand.given[0][0]
        self._tries[given.number, why] += 1
        tries = self._tries[given.number, why]
        last = given.first_row + given.rows - 1
        what = f"rows {text.count(given.first_row)} to {text.count(last)}: the process that scored them {why}"
        if tries > most:
            fix = "correct the model, or allow more: --timeout, --retries"
            raise ModelFailed(what + f" ({tries} times)" * (tries > 1), where=given.file, fix=fix)
        journal.note(f"{given.file}, {what}; tried again")
        hand.since = 0.0
        self._of.start(hand, apart=True)
        for given, _ in hand.given:
            self._of.send(hand, given)

    def close(self) -> None:
        """Let the processes end; what they have not answered is not waited for."""
        self._of.close(self._hands)
