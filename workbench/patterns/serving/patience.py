"""The headers of a request -> for how long it is worked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .refusals import Refused

if TYPE_CHECKING:
    from .exchange import Headers


def of(headers: Headers, most: float) -> float:
    """For how many seconds: what `X-Request-Timeout` says, but not longer than all may. Refused where that is no
    number."""
    said = headers.get(b"x-request-timeout")
    if said is None:
        return most
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        what = f"X-Request-Timeout is {said.decode('latin-1')!r}, no number of seconds"
        raise Refused(what, fix="X-Request-Timeout: 2.5")
    return min(seconds, most)
