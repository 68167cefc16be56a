"""The ids of answers whose requests have none: one of a kind, and cheaper than a new UUID for each."""

from __future__ import annotations

import os
import uuid
from functools import cache
from itertools import count

_numbers = count(1)
_SPAN = 16**12


def new_id() -> str:
    """A UUID of this process and a number: `6f1c8a52-1d6e-4d0b-9a57-00000000002a`."""
    return f"{_of_process(os.getpid())}{next(_numbers) % _SPAN:012x}"


@cache
def _of_process(pid: int) -> str:
    """Its beginning; made anew by who was forked."""
    return str(uuid.uuid4())[:-12]
