"""The door of a deployment: one small process that holds its socket and is the parent of the processes behind it.

Each child talks to it in lines of JSON over a socket of its own. The door restarts those that die, passes orders on to
all of them, and counts an epoch in shared memory, so that all change over at one moment. When it dies its children go
on until a successor, which takes the socket from one of them, is ready in its place.
"""

from __future__ import annotations

import json
import mmap
import os
import selectors
import signal
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..spawn.branch import branch
from . import handover

if TYPE_CHECKING:
    from .context import Context
    from .record import Order

LOOK = 0.05
_FAILURES = 5
_LONGEST_DELAY = 10.0
_EPOCH = struct.Struct("q")
Message = dict[str, Any]


class Epoch:
    """A number in a file that all processes of a deployment map; the door alone counts it up."""

    def __init__(self, path: Path, *, new: bool = False) -> None:
        if new:
            path.unlink(missing_ok=True)
            path.write_bytes(bytes(_EPOCH.size))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _EPOCH.size)

    def __call__(self) -> int:
        return int(_EPOCH.unpack_from(self._shared)[0])

    def count_up(self) -> None:
        _EPOCH.pack_into(self._shared, 0, self() + 1)


@dataclass
class _Child:
    slot: int
    pid: int
    channel: socket.socket
    ready: bool = False
    said: str = ""
    read: bytearray = field(default_factory=bytearray)

    def tell(self, **message: Any) -> None:
        with suppress(OSError):  # it died, as its end will tell
            self.channel.sendall(json.dumps(message).encode() + b"\n")

    def heard(self) -> list[Message] | None:
        """What it said since; None when it is gone."""
        try:
            part = self.channel.recv(1 << 16)
        except OSError:
            part = b""
        if not part:
            return None
        *lines, rest = (self.read + part).split(b"\n")
        self.read = bytearray(rest)
        return [json.loads(line) for line in lines]


class Door:
    """Keeps `count` children running that call `target` with `args` and what the door adds: `channel` and `socket`
    (descriptors), `slot`, `epoch` (a file), and `ref`, which version to load."""

    def __init__(
        self, context: Context, shared: socket.socket, target: str, args: dict[str, Any], *, ref: str, count: int
    ) -> None:
        self.context, self.shared, self.target, self.ref, self.count = context, shared, target, ref, count
        self.args = args | {"epoch": str(context.folder / f"epoch-{os.getpid()}"), "door": os.getpid()}
        self.epoch = Epoch(Path(self.args["epoch"]), new=True)
        self.children: dict[int, _Child] = {}
        self.due: dict[int, float] = dict.fromkeys(range(count), 0.0)  # slot -> when to start it
        self.failures = 0
        self.next_ref = ""
        self.pending: dict[int, tuple[Order, dict[int, Message]]] = {}
        self.leaving = False
        self.selector = selectors.DefaultSelector()
        self.offer = handover.offer(shared)
        if self.offer:
            self.selector.register(self.offer, selectors.EVENT_READ, self.offer.give)

    def run(self) -> None:
        """Until it is told to stop, or a successor is ready; its children have ended then."""
        with _woken_by_children(self.selector):
            while self.children or not self.leaving:
                self._start_due()
                for key, _ in self.selector.select(LOOK):
                    key.data()
                self._reap()
                self._look()
        for path in self.context.folder.glob(f"*-{os.getpid()}"):
            path.unlink(missing_ok=True)

    def _start_due(self) -> None:
        now = time.monotonic()
        for slot in [slot for slot, when in self.due.items() if when <= now and not self.leaving]:
            del self.due[slot]
            self._start(slot)

    def _start(self, slot: int) -> None:
        self.context.store.database.close()
        mine, theirs = socket.socketpair()
        with theirs:
            fds = [theirs.fileno(), self.shared.fileno()]
            args = self.args | {"slot": slot, "ref": self.ref, "channel": fds[0], "socket": fds[1]}
            child = _Child(slot, branch(self.target, args, fds=fds), mine)
        self.children[child.pid] = child
        self.selector.register(mine, selectors.EVENT_READ, lambda: self._hear(child))

    def _hear(self, child: _Child) -> None:
        messages = child.heard()
        if messages is None:
            self.selector.unregister(child.channel)
            return
        for message in messages:
            if "answer" in message:
                self._answered(child, message)
            else:
                self._told(child, message)

    def _told(self, child: _Child, message: Message) -> None:
        child.said = message.get("failed", "")
        if message.get("ready"):
            child.ready, self.failures = True, 0
            if self.next_ref:
                child.tell(do="prepare", ref=self.next_ref, id=0)
            self.context.facts(**message.get("facts", {}))
        self._tell_state()

    def _tell_state(self) -> None:
        ready = sum(child.ready for child in self.children.values())
        if self.leaving or not ready or (ready < self.count and self.context.job.state == "starting"):
            return
        reason = "" if ready == self.count else f"{ready} of {self.count} workers"
        self.context.facts(workers=[child.pid for child in self.children.values()], version=self.ref)
        self.context.state("ready", reason)

    def _reap(self) -> None:
        for pid, child in list(self.children.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: _Child, status: int) -> None:
        del self.children[child.pid]
        if child.channel.fileno() in self.selector.get_map():
            self._hear(child)  # its last words
        if child.channel.fileno() in self.selector.get_map():
            self.selector.unregister(child.channel)
        child.channel.close()
        for order, _ in list(self.pending.values()):
            self._settle(order)
        if self.leaving:
            return
        why = child.said or (signal.Signals(-status).name if status < 0 else f"exit status {status}")
        self.failures += not child.ready
        if self.failures >= _FAILURES and not any(other.ready for other in self.children.values()):
            self._give_up(why)
            return
        delay = 0.0 if child.ready else min(_LONGEST_DELAY, 0.1 * 2**self.failures)
        self.due[child.slot] = time.monotonic() + delay
        self.context.store.event(self.context.name, f"worker {child.slot} ended: {why}; started again")
        if not any(other.ready for other in self.children.values()):
            self.context.state("starting", f"its worker ended: {why}")

    def _give_up(self, why: str) -> None:
        self.context.state("failed", why)
        self._leave()

    def _look(self) -> None:
        """What the store says: stop, a successor, orders."""
        self.context.tick()
        if self.leaving:
            return
        if self.context.stopping() or self.context.succeeded():
            self._leave()
            return
        for order in self.context.orders():
            if order.id not in self.pending:
                self._pass_on(order)

    def _pass_on(self, order: Order) -> None:
        self.pending[order.id] = (order, {})
        if order.do == "prepare":
            self.next_ref = order.args["ref"]
        elif order.do == "flip":
            self.ref, self.next_ref = self.next_ref or self.ref, ""
            self.epoch.count_up()
        for child in self.children.values():
            if child.ready:
                child.tell(do=order.do, id=order.id, **order.args)
        self._settle(order)

    def _answered(self, child: _Child, message: Message) -> None:
        if found := self.pending.get(message["answer"]):
            found[1][child.pid] = message
            self._settle(found[0])

    def _settle(self, order: Order) -> None:
        """Answer an order once every child that is ready has."""
        _, answers = self.pending[order.id]
        asked = [child.pid for child in self.children.values() if child.ready]
        if any(pid not in answers for pid in asked):
            return
        refused = next((answer["text"] for answer in answers.values() if not answer["ok"]), "")
        text = refused or ("" if asked else "no worker is ready")
        if text and order.do == "prepare":
            self.next_ref = ""
        del self.pending[order.id]
        self.context.answer(order, text)
        self._tell_state()

    def _leave(self) -> None:
        self.leaving = True
        for child in self.children.values():
            child.tell(do="drain")


class _woken_by_children:
    """Makes the end of a child wake the selector."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self.selector = selector

    def __enter__(self) -> None:
        self.ends = socket.socketpair()
        for end in self.ends:
            end.setblocking(False)
        self.selector.register(self.ends[0], selectors.EVENT_READ, lambda: self.ends[0].recv(4096))
        self.handler = signal.signal(signal.SIGCHLD, lambda *_: None)
        self.wakeup = signal.set_wakeup_fd(self.ends[1].fileno(), warn_on_full_buffer=False)

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self.wakeup)
        signal.signal(signal.SIGCHLD, self.handler)
        self.selector.unregister(self.ends[0])
        for end in self.ends:
            end.close()
