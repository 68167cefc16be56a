"""The process that reads the messages that a schedule waits for, with the packages and variables of the schedule."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from ..brokers.opening import reader
from ..errors import WorkbenchError

if TYPE_CHECKING:
    from ..brokers.protocol import Reader
    from ..data.log import Record

_MOST = 20
_PATIENCE = 1.0


def main(place: str, group: str) -> None:
    """Write a line of JSON for some messages, and count them as done once a line answers that they are kept."""
    told = threading.Semaphore(0)
    threading.Thread(target=_hear, args=(told,), daemon=True).start()
    try:
        _read(reader(place, group, "end"), told)
    except WorkbenchError as error:
        _say(error=error.what)


def _read(messages: Reader, told: threading.Semaphore) -> None:
    messages.acquire(lambda: False)
    _say(messages=[])
    told.acquire()
    while True:
        if found := messages.poll(_MOST, _PATIENCE):
            _say(messages=[_message(messages.source, record) for record in found])
            told.acquire()
            messages.commit({record.lane: record.offset for record in found})


def _message(source: str, record: Record) -> dict[str, str]:
    """What is known of one: where it stands, which is its own, and its text."""
    text = record.value.decode("utf-8", "backslashreplace")
    return {"key": f"{source} {record.lane}/{record.offset}", "text": text}


def _say(**said: Any) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _hear(told: threading.Semaphore) -> None:
    """Until whoever reads what is said has gone."""
    for _ in sys.stdin:
        told.release()
    os._exit(0)
