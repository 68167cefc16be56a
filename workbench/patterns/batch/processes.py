"""The processes of a crew on this machine: forks of this one, which share the model, and read rows out of memory that
both have."""

from __future__ import annotations

import gc
import os
import signal
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from typing import TYPE_CHECKING, Any

from ...data.shared import Room
from ...spawn.branch import branch
from .crew import AT_ONCE, Bundle, Gone, Hand
from .hand import Given, Reply

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class _Process:
    """A child, its pipe, and the memory that its follower gets, too. That is free again when its turn comes: there is
    as much of it as a process has chunks."""

    pid: int = 0
    pipe: Connection[Any, Any] | None = None
    rooms: deque[Room] = field(default_factory=lambda: deque(Room() for _ in range(AT_ONCE)))


class Processes:
    """Begun before this process has threads or has predicted, so that they can be forks of it."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._all: list[_Process] = []
        gc.collect()
        gc.freeze()  # what is shared is not touched by a collection

    def start(self, hand: Hand, *, apart: bool) -> None:
        if hand.process is None:
            hand.process = _Process()
            self._all.append(hand.process)
        process: _Process = hand.process
        process.pipe, theirs = Pipe()
        fds = [theirs.fileno(), *(room.fd for room in process.rooms), *(given.room[0] for given, _ in hand.given)]
        said = {"folder": str(self._bundle.folder), "model": self._bundle.model, "home": str(self._bundle.home)}
        with theirs:
            args = {**said, "pipe": fds[0], "owner": os.getpid(), "own": self._bundle.own, "apart": apart}
            process.pid = branch("workbench.patterns.batch.hand:work", args, fds=fds)

    def put(self, hand: Hand, table: pa.Table) -> tuple[int, int]:
        """Its descriptor, and how many bytes it has there."""
        room = hand.process.rooms.popleft()
        hand.process.rooms.append(room)
        return room.fd, room.put(table)

    def send(self, hand: Hand, given: Given) -> None:
        with suppress(OSError):  # it has ended, as is heard next
            hand.process.pipe.send(given)

    def ready(self, hands: list[Hand], patience: float) -> list[Hand]:
        found = wait([hand.process.pipe for hand in hands], patience)
        return [hand for hand in hands if hand.process.pipe in found]

    def receive(self, hand: Hand) -> Reply:
        try:
            reply: Reply = hand.process.pipe.recv()
        except (EOFError, OSError):
            raise Gone(f"ended: {_words(_reaped(hand.process))}") from None
        return reply

    def kill(self, hand: Hand) -> None:
        _end(hand.process)

    def facts(self, hands: list[Hand]) -> dict[str, Any]:
        return {"workers": [hand.process.pid for hand in hands]}

    def close(self, hands: list[Hand]) -> None:
        for process in self._all:
            _end(process)
            for room in process.rooms:
                room.close()


def _end(process: _Process) -> None:
    if process.pipe is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        _reaped(process)


def _reaped(process: _Process) -> int:
    """Its exit code, below 0 for a signal."""
    assert process.pipe
    process.pipe.close()
    process.pipe = None
    return os.waitstatus_to_exitcode(os.waitpid(process.pid, 0)[1])


def _words(code: int) -> str:
    return f"{signal.strsignal(-code)} (signal {-code})" if code < 0 else f"exit code {code}"
