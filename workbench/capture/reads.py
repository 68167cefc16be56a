"""What a model opens while the kernel asks it -> the data files that it reads."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from .imports import installed

_SYSTEM = ("/usr/", "/etc/", "/proc/", "/sys/", "/dev/", "/lib", "/bin/")
_CODE = {".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".dylib", ".pth", ".ipynb"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass
class Reads:
    """The files that were opened, those only read and those that were written; and the modules whose classes and
    functions were named by what was unpickled."""

    read: set[Path] = field(default_factory=set)
    written: set[Path] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    _others: frozenset[threading.Thread] = frozenset()

    def note(self, path: Any, mode: Any, flags: Any) -> None:
        """One call of `open`; threads that ran before have nothing to do with the model."""
        if threading.current_thread() in self._others or not isinstance(path, str | bytes | os.PathLike):
            return
        writes = flags & _WRITES if isinstance(flags, int) else set(str(mode)) & set("wax+")
        (self.written if writes else self.read).add(Path(os.path.abspath(os.fsdecode(path))))

    def data(self) -> list[Path]:
        """The data files among those that were only read, sorted."""
        return sorted(path for path in self.read - self.written if is_data(path))


def is_data(path: Path) -> bool:
    """Whether a path leads to a file of somebody's data: no code, nothing of the system or of an installed package."""
    return (
        path.is_file()
        and path.suffix not in _CODE
        and not str(path).startswith(_SYSTEM)
        and not any(installed(each) for each in {path, path.resolve()})
    )


_watching: list[Reads] = []


@contextmanager
def watch() -> Iterator[Reads]:
    """Notes the files that Python opens meanwhile. What libraries open in C is not seen."""
    _add_hook()
    reads = Reads(_others=frozenset(threading.enumerate()) - {threading.current_thread()})
    _watching.append(reads)
    try:
        yield reads
    finally:
        _watching.remove(reads)


@cache
def _add_hook() -> None:
    """One for this process, for good: Python has no way to take it back."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in ("open", "pickle.find_class"):
        for reads in _watching:
            if event == "open":
                reads.note(*arguments)
            else:
                reads.modules.add(str(arguments[0]))
