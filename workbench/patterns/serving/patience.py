"""What a request says of how long it is waited for -> for how long it is worked at."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from .refusals import Gone, Refused, TooLate

if TYPE_CHECKING:
    from .exchange import Headers

_LOOK = 0.25
_T = TypeVar("_T")


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


async def waited(work: asyncio.Future[_T], due: float, client: Any) -> _T:
    """What comes of the work. TooLate once it is `due` by the loop's clock, Gone once the `client` is `disconnected`:
    then the work is cancelled."""
    loop = asyncio.get_running_loop()
    try:
        while not work.done():
            if (left := due - loop.time()) <= 0:
                raise TooLate
            await asyncio.wait((work,), timeout=min(_LOOK, left))
            if client.disconnected:
                raise Gone
        return work.result()
    finally:
        work.cancel()
