"""What other processes do with a log in the tests: `python log_processes.py WHAT FOLDER NAME …`."""

from __future__ import annotations

import sys
from pathlib import Path

from workbench.data.log import Log
from workbench.data.log_groups import Group


def append(folder: Path, name: str, who: str, appends: str) -> None:
    """Records `who:number`, seven at a time; each append is one line of output."""
    log = Log(folder, name)
    for first in range(0, 7 * int(appends), 7):
        print(log.append([f"{who}:{number}".encode() for number in range(first, first + 7)], [who] * 7), flush=True)


def read(folder: Path, name: str, group: str) -> None:
    """Whether it may read, then what it reads, one record a line, committed before it is shown; until input ends."""
    reader = Group(Log(folder, name), group)
    print("waits", flush=True)
    reader.acquire()
    print("reads", flush=True)
    while True:
        for record in reader.poll(1, 10.0):
            reader.commit(record.offset)
            print(record.offset, flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
