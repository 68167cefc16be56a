"""The processes behind a door: what is said to them and by them, and that one of them has ended."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]


@dataclass
class Child:
    """One process behind a door, and what is known of it."""

    slot: int
    pid: int
    channel: socket.socket
    ref: str  # what it answers with
    prepared: str = ""  # what it has loaded beside that
    loaded: bool = False
    ready: bool = False
    stopped: bool = False  # by a signal, until another lets it go on
    said: str = ""
    heard_at: float = field(default_factory=time.monotonic)
    read: bytearray = field(default_factory=bytearray)

    def tell(self, **message: Any) -> None:
        """Say something to it."""
        with suppress(OSError):  # it died, as its end will tell
            self.channel.sendall(json.dumps(message).encode() + b"\n")

    @property
    def silence(self) -> float:
        """Since how many seconds it has said nothing."""
        return time.monotonic() - self.heard_at

    def ends(self, number: int) -> None:
        """Send it a signal; it is not waited for yet, so its number is its own."""
        os.kill(self.pid, number)

    def changed(self) -> int | None:
        """Note that it was stopped, or goes on; its exit status, negative for a signal, once it has ended."""
        found, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
        if not found:
            return None
        if os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
            self.stopped, self.heard_at = os.WIFSTOPPED(status), time.monotonic()
            return None
        return os.waitstatus_to_exitcode(status)

    def heard(self) -> list[Message] | None:
        """What it said since; None when it is gone."""
        try:
            part = self.channel.recv(1 << 16)
        except OSError:
            part = b""
        if not part:
            return None
        self.heard_at = time.monotonic()
        *lines, rest = (self.read + part).split(b"\n")
        self.read = bytearray(rest)
        return [json.loads(line) for line in lines]


class Children(dict[int, Child]):
    """The processes behind one door, by their numbers."""

    @property
    def answering(self) -> list[Child]:
        """Those that are ready, and not stopped."""
        return [child for child in self.values() if child.ready and not child.stopped]

    @property
    def stuck(self) -> bool:
        """Whether all that would answer were stopped."""
        return not self.answering and any(child.ready for child in self.values())

    @property
    def stopped(self) -> list[str]:
        """Which were, and what lets them go on."""
        return [f"process {c.pid} was stopped by a signal → kill -CONT {c.pid}" for c in self.values() if c.stopped]

    def silent(self, seconds: float) -> list[Child]:
        """Those that were ready, and have said nothing for so long."""
        return [child for child in self.values() if child.ready and child.silence > seconds]


class woken_by_children:
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
