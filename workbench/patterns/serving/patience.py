"""What a request says of how long it is waited for -> for how long it is worked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


def of_parameter(said: Any) -> float | None:
    """For how many seconds, by the parameter `timeout` of the Open Inference Protocol: microseconds, as Triton's
    clients send it; None where it sets no bound. Refused where it is no such number."""
    if said is None:
        return None
    if type(said) is not int or said < 0:
        raise Refused(f"timeout is {said!r}, no whole number of microseconds", fix='as in "timeout": 2500000')
    return said / 1e6 or None
