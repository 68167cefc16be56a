"""The door of a deployment: one small process that holds its sockets and is the parent of the processes behind it.

Each child talks to it in lines of JSON over a socket of its own. The door restarts those that die, passes orders on to
all of them, and counts an epoch in shared memory, so that all change over at one moment. When it dies its children go
on until a successor, which takes the sockets from one of them, is ready in its place.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import journal
from ..errors import StorageError
from ..spawn.branch import branch
from . import handover
from .changeover import Epoch, Following, answering, coming, loading, sweep
from .children import Child, Children, Message, woken_by_children
from .record import Order
from .standing_in import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import Context

LOOK = 0.05
SILENCE = 60.0  # a child says every second that it is there
DRAIN = 25.0  # its supervisor waits 30 s
FOLLOWED_DRAIN = 300.0
_FAILURES = 5
_RESTARTS = 2
_GRIEF = 1.0
_CATCH_UP, _OWN_PREPARE, _OWN_FLIP = 0, -1, -2  # numbers of what is asked of children, where no order has one
_ONE_ENDED = 0  # instead of a process, among the answers to an order
_LONGEST_DELAY = 10.0


class Door:
    """Keeps `count` children running that call `target` with `args` and what the door adds: `channel` and `sockets`
    (descriptors), `slot`, `epoch` (a file), and `ref`, which version to load, or the table of several. A child says
    `loaded`, is told of what it missed meanwhile, then to `go`, and says `ready` when it answers. `wanted` says which
    version should answer; `facts` is what it tells of itself, beside its children and their version; `beside` is called
    at each look."""

    def __init__(
        self,
        context: Context,
        shared: list[socket.socket],
        target: str,
        args: dict[str, Any],
        *,
        ref: str,
        count: int,
        wanted: Callable[[], str],
        facts: dict[str, Any],
        beside: Callable[[], None] = lambda: None,
    ) -> None:
        self.context, self.shared, self.target, self.ref, self.count = context, shared, target, ref, count
        sweep(context.folder)
        self.beside = beside
        self.following, self.facts = Following(wanted), facts | {"door": os.getpid(), "deaths": 0}
        context.facts(**self.facts, **answering(ref), stage=loading(ref))
        self.args = args | {"epoch": str(context.folder / f"epoch-{os.getpid()}"), "door": os.getpid()}
        self.epoch = Epoch(Path(self.args["epoch"]), new=True)
        self.children = Children()
        self.due: dict[int, float] = dict.fromkeys(range(count), 0.0)  # slot -> when to start it
        self.failures = 0
        self.next_ref = ""
        self.pending: dict[int, tuple[Order, dict[int, Message]]] = {}
        self.leaving = 0.0  # since when
        self.bereft = 0.0  # since when no other process is in its place any more
        self.selector = selectors.DefaultSelector()
        self.stand_in = StandIn(context, shared)
        self.offer = handover.offer(shared, context.folder)
        if self.offer:
            self.selector.register(self.offer, selectors.EVENT_READ, self.offer.give)

    def run(self) -> None:
        """Until it is told to stop, or a successor is ready; its children have ended then."""
        with woken_by_children(self.selector):
            while self.children or not self.leaving:
                self._start_due()
                for key, _ in self.selector.select(LOOK):
                    key.data()
                self._reap()
                try:
                    self._look()
                except StorageError:
                    self._cannot_look()
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
            fds = [theirs.fileno(), *(shared.fileno() for shared in self.shared)]
            args = self.args | {"slot": slot, "ref": self.ref, "channel": fds[0], "sockets": fds[1:]}
            child = Child(slot, branch(self.target, args, fds=fds), mine, self.ref)
        self.children[child.pid] = child
        self.selector.register(mine, selectors.EVENT_READ, lambda: self._hear(child))

    def _hear(self, child: Child) -> None:
        messages = child.heard()
        if messages is None:
            self.selector.unregister(child.channel)
            return
        for message in messages:
            self.facts |= message.get("facts", {})
            if "answer" in message:
                self._answered(child, message)
            else:
                self._told(child, message)

    def _told(self, child: Child, message: Message) -> None:
        if message.get("alive"):
            return
        if "stage" in message:
            self.context.facts(stage=message["stage"])
            return
        child.said = message.get("failed", "")
        if message.get("loaded"):
            child.loaded = True
            self._catch_up(child)
            for order, answers in list(self.pending.values()):
                if order.do == "prepare":
                    self._tell_order(child, order)
                else:
                    answers[child.pid] = {"ok": True}
                    self._settle(order)
            child.tell(do="go")
        if message.get("ready"):
            child.ready, self.failures = True, 0
            if self.context.job.restarts > _RESTARTS:  # it came up: its end is no reason to give up, but to wait a bit
                with suppress(StorageError):
                    self.context.store.failed_start(self.context.name, _RESTARTS, None)
        self._tell_state()

    def _catch_up(self, child: Child) -> None:
        """A child that has not loaded what all answer with by now takes it at once."""
        if child.ref != self.ref:
            child.ref = self.ref
            child.tell(do="prepare", id=_CATCH_UP, ref=self.ref, at=self.epoch())

    def _tell_state(self) -> None:
        ready, stuck = len(self.children.answering), self.children.stuck
        self.stand_in.look(self.children, leaving=bool(self.leaving))
        coming = ready < self.count and self.context.job.state == "starting" and self.failures < _FAILURES
        if self.leaving or coming or not (ready or stuck):
            return
        reason = "" if ready == self.count else f"{ready} of {self.count} workers"
        reason = " · ".join(filter(None, [reason, *self.children.stopped, self.following.refusal]))
        self.context.facts(**self.facts, **answering(self.ref), workers=list(self.children), stage="")
        self.context.state("ready" if ready else "blocked", reason)

    def _reap(self) -> None:
        for child in list(self.children.values()):
            before, status = child.stopped, child.changed()
            if status is not None:
                self._ended(child, status)
            elif child.stopped != before:
                self._tell_state()

    def _ended(self, child: Child, status: int) -> None:
        del self.children[child.pid]
        if child.channel.fileno() in self.selector.get_map():
            self._hear(child)  # its last words
        if child.channel.fileno() in self.selector.get_map():
            self.selector.unregister(child.channel)
        child.channel.close()
        why = child.said or (f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}")
        for order, answers in list(self.pending.values()):
            self._bury(child, why, order, answers)
        if self.leaving:
            return
        self.failures += not child.ready
        if self.failures >= _FAILURES and not any(other.ready for other in self.children.values()):
            self._give_up(why)
            return
        delay = 0.0 if child.ready else min(_LONGEST_DELAY, 0.1 * 2**self.failures)
        self.due[child.slot] = time.monotonic() + delay
        self._mourn(child, why)
        if any(other.ready for other in self.children.values()):
            self._tell_state()
        else:
            self.context.state("starting", f"its worker ended: {why}")

    def _mourn(self, child: Child, why: str) -> None:
        """Tell of the end of a child: in the log, as an event, and for the card of those that were ready."""
        text = f"worker {child.slot} ended: {why}; started again"
        journal.note(text)
        with suppress(StorageError):
            self.context.store.event(self.context.name, text)
        if child.ready:
            self.facts |= {"deaths": self.facts["deaths"] + 1, "died_at": time.time(), "died_of": why}

    def _bury(self, child: Child, why: str, order: Order, answers: dict[int, Message]) -> None:
        """One that ends while it prepares may have been killed by anybody; two were by what they loaded."""
        answers.pop(child.pid, None)
        if child.loaded and order.do == "prepare":
            again = _ONE_ENDED in answers
            text = f"its workers ended while they loaded {coming(order.args['ref'])}: {why}"
            answers[child.pid if again else _ONE_ENDED] = {"ok": not again, "text": text}
        self._settle(order)

    def _give_up(self, why: str) -> None:
        self.context.state("failed", why)
        self._leave()

    def _look(self) -> None:
        """What the store says: stop, a successor, orders."""
        self.context.tick()
        self.beside()
        self._end_the_silent()
        if self.leaving:
            self._cut_off()
            return
        self.stand_in.look(self.children)
        if self._should_leave():
            self._leave()
            return
        if not any(child.loaded for child in self.children.values()):
            return  # there is nobody to pass an order on to, yet
        for order in self.context.orders():
            if order.id not in self.pending:
                self._pass_on(order)
        if not self.pending and (ref := self.following.differs(self.ref)):
            self._pass_on(Order(_OWN_PREPARE, self.context.name, "prepare", {"ref": ref}))

    def _cannot_look(self) -> None:
        """The disk of the store is full, or whatever: it goes on as it is, unless the store was removed."""
        if not self.context.store.folder.exists() and not self.leaving:
            self._leave()

    def _end_the_silent(self) -> None:
        """A child that is in a call of its model which never ends, and does nothing else, is replaced. While a version
        is loaded it may be silent, too."""
        for child in self.children.silent(SILENCE):
            if child.stopped or not self.pending:
                why = "it was stopped" if child.stopped else "the model was in one call all the time"
                child.said = f"it did not answer for {SILENCE:.0f} s: {why}"
                child.ends(signal.SIGKILL)

    def _cut_off(self) -> None:
        """What is still being answered is waited for, but not for ever."""
        job = self.context.look()
        patience = DRAIN if job is None or job.desired == "stopped" else FOLLOWED_DRAIN
        for child in self.children.values() if time.monotonic() - self.leaving > patience else ():
            child.ends(signal.SIGKILL)

    def _should_leave(self) -> bool:
        """Whether it was told to stop, or another is ready in its place. While that one starts, this one answers; where
        that one cannot, this one takes its place again, after whoever asked for it had the time to see that."""
        job = self.context.look()
        if job is None or job.desired == "stopped":
            return True
        if job.process == self.context.process:
            return self.context.stopping()
        if not job.over:
            self.bereft = 0.0
            return job.state == "ready"
        self.bereft = self.bereft or time.monotonic()
        if time.monotonic() - self.bereft > _GRIEF:
            self.bereft = 0.0
            self.following.refusal = f"as it was: what should follow it {job.state}: {job.reason}"
            self.context.store.started(self.context.name, self.context.process, job.generation)
            self._tell_state()
        return False

    def _pass_on(self, order: Order) -> None:
        ref, text = order.args["ref"], ""
        self.pending[order.id] = (order, {})
        if order.do == "prepare":
            self.next_ref = ref
        elif ref == self.next_ref:
            self.ref, self.next_ref, self.following.refusal = ref, "", ""
            self.epoch.count_up()
        elif ref != self.ref:
            text = f"{ref} is not what was loaded last: it was promoted twice at a time"
        for child in self.children.values() if not text else ():
            self._tell_order(child, order)
        self._settle(order, text)

    def _tell_order(self, child: Child, order: Order) -> None:
        if not child.loaded:
            return
        if order.do == "flip" and child.prepared == self.ref:
            child.ref, child.prepared = self.ref, ""
        elif order.do == "flip":
            self._catch_up(child)
        child.tell(do=order.do, id=order.id, ref=order.args["ref"], at=self.epoch() + 1)

    def _answered(self, child: Child, message: Message) -> None:
        number, ok = message["answer"], message["ok"]
        if number == _CATCH_UP and not ok:
            child.said = message["text"]
            child.ends(signal.SIGTERM)  # it would answer with what it has; the next one loads it from the start
        if found := self.pending.get(number):
            if ok and found[0].do == "prepare":
                child.prepared = message["ref"]
            found[1][child.pid] = message
            self._settle(found[0])

    def _settle(self, order: Order, refused: str = "") -> None:
        """Answer an order once every child that has loaded its version has."""
        _, answers = self.pending[order.id]
        text = refused or next((answer["text"] for answer in answers.values() if not answer["ok"]), "")
        asked = [child.pid for child in self.children.values() if child.loaded]
        if not text and (not asked or any(pid not in answers for pid in asked)):
            return
        del self.pending[order.id]
        if order.do == "prepare" and text:
            self.next_ref = ""
        if order.id == _OWN_PREPARE:
            self.following.refused(order.args["ref"], text)
        self._tell_state()  # before the answer: whoever has that looks what answers now
        with suppress(StorageError):  # it is passed on again
            self.context.answer(order, text)
        if order.id == _OWN_PREPARE and not text:
            self._pass_on(Order(_OWN_FLIP, order.job, "flip", order.args))

    def _leave(self) -> None:
        self.leaving = time.monotonic()
        if self.offer:
            self.selector.unregister(self.offer)
            self.offer.close()
        self.stand_in.end()
        for shared in self.shared:
            shared.close()  # nobody should wait for a service that ends
        for child in self.children.values():
            if not child.loaded:
                child.ends(signal.SIGKILL)  # it answers nobody yet, and its first answer may take for ever
                continue
            child.tell(do="drain")
            if child.stopped:
                child.ends(signal.SIGCONT)  # it drains, too
