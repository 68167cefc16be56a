"""When the processes of a deployment change over to another version, and whether they should."""

from __future__ import annotations

import mmap
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StorageError, WorkbenchError
from ..routing.table import Table
from . import identity

_LOOK_WANTED = 1.0
_TURN = 0.0005
_EPOCH = struct.Struct("q")


class Epoch:
    """A number in a file that all processes of a deployment map; the door alone counts it up."""

    def __init__(self, path: Path, *, new: bool = False) -> None:
        if new:
            path.unlink(missing_ok=True)
            try:
                path.write_bytes(bytes(_EPOCH.size))
            except OSError as error:
                fix = "make room on that disk, or see to its rights; it is tried again"
                raise StorageError(f"{path.parent} cannot be written: {error.strerror}", fix=fix) from error
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _EPOCH.size)

    def __call__(self) -> int:
        return int(_EPOCH.unpack_from(self._shared)[0])

    def count_up(self) -> None:
        _EPOCH.pack_into(self._shared, 0, self() + 1)


@contextmanager
def short_turns() -> Iterator[None]:
    """Meanwhile a thread that works gives way to another after half a millisecond, and not five: a request that is
    answered while a version is loaded gives the interpreter away, and asks for it again, a few times."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Following:
    """Whether another version should answer than does: asked now and then, since whoever moves `live` may end before
    he has told, or tell while nobody listens."""

    def __init__(self, wanted: Callable[[], str]) -> None:
        self.wanted, self.refusal = wanted, ""
        self._next, self._seen, self._cannot = time.monotonic() + _LOOK_WANTED, "", ""

    def differs(self, ref: str) -> str:
        """The version to change over to: one that was wanted the last time, too, so that no promotion is forestalled,
        and that could be loaded."""
        if time.monotonic() < self._next:
            return ""
        self._next = time.monotonic() + _LOOK_WANTED
        before, self._seen = self._seen, ref
        with suppress(WorkbenchError):
            self._seen = self.wanted()
        return self._seen if self._seen not in (ref, self._cannot) and self._seen == before else ""

    def refused(self, ref: str, why: str) -> None:
        """This version could not be loaded, or could again."""
        self._cannot = ref if why else ""
        self.refusal = f"{coming(ref)} was refused: {why}" if why else ""


def answering(ref: str) -> dict[str, str]:
    """What a door tells of the version or table that answers: which is live, and the table."""
    return {"version": Table.parse(ref).ref, "table": ref}


def loading(ref: str) -> str:
    """What is done while the versions of a table are loaded."""
    return f"loading {' and '.join(Table.parse(ref).refs)}"


def coming(ref: str) -> str:
    """The versions that a table brings."""
    table = Table.parse(ref)
    return ", ".join(table.refs[1:]) or table.ref


def sweep(folder: Path) -> None:
    """Remove the files of doors that were killed; who maps them still has them."""
    for path in [*folder.glob("epoch-*"), *folder.glob("metrics-*")]:
        pid = path.name.partition("-")[2]
        if pid.isdecimal() and identity.of(int(pid)) is None:
            path.unlink(missing_ok=True)
