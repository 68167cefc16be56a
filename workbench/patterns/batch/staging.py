"""A run -> the hidden folder of its parts, which no other run uses, and which is there until the output is."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...errors import UsageError
from .ledger import Ledger

_PATIENCE = 10.0
_LOOK = 0.02


class Staging:
    """The parts of one run, hidden beside its output (or plain beside its ledger, for an output that is no file).

    A lock on the folder says that the run works; it falls with the process, however that ends.
    """

    def __init__(self, ledger: Ledger, output: Path | None) -> None:
        self._ledger, self._parent = ledger, (output or ledger.file).parent
        self._name = output.name if output else None
        self._lock: int | None = None
        self.folder = self._place()

    def _place(self) -> Path:
        if self._name is None:
            return self._parent / "parts"
        token = self._ledger.fact("token")
        if token is None:
            self._ledger.keep("token", token := secrets.token_hex(4))
        return self._parent / f".{self._name}.{token}.parts"

    def begin(self, label: str) -> None:
        """Make the folder and lock it; forget of the ledger what is not in it, and remove what other runs left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _patiently(self.folder)
        for other in self._others():
            lock = _locked(other)
            if lock is None:
                self.end()
                raise UsageError(f"another run writes {label} now", fix="wait for it, or name another output")
            shutil.rmtree(other, ignore_errors=True)
            os.close(lock)
        done = self._ledger.done().items()
        self._ledger.forget(number for number, (_, _, part) in done if not all(map(self._has, part.split("\n"))))

    def _has(self, name: str) -> bool:
        return not name or (self.folder / name).is_file()

    def _others(self) -> Iterator[Path]:
        if self._name is None:
            return
        start = f".{self._name}."
        for found in self._parent.iterdir():
            token = found.name.removeprefix(start).removesuffix(".parts")
            if found.name == f"{start}{token}.parts" and len(token) == 8 and found != self.folder and found.is_dir():
                yield found

    def tidy(self) -> None:
        """The parts are not needed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self) -> None:
        """Let go of the lock; a folder without a part is not left behind."""
        if self._lock is not None:
            with suppress(OSError):
                self.folder.rmdir()
            os.close(self._lock)
            self._lock = None


def _patiently(folder: Path) -> int:
    """The lock of this run's own folder, once its attempt before, which may be ending, is gone."""
    end = time.monotonic() + _PATIENCE
    while (lock := _locked(folder)) is None:
        if time.monotonic() > end:
            raise UsageError(f"this run works already, in {folder}", fix="wait for it")
        time.sleep(_LOOK)
    return lock


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the lock; None where another process has it, or the folder is gone."""
    with suppress(FileNotFoundError):
        lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), os.stat(folder)):
                return lock
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(lock)
    return None
