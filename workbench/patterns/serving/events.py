"""The answer to a question as server-sent events: each part as the model yields it, then how many rows there were.

As the HTML standard has `text/event-stream` (https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ...data.encoding import dumps, lists
from .refusals import body_of, status_of

if TYPE_CHECKING:
    from ...errors import WorkbenchError
    from ...inference.fields import Table
    from .exchange import Headers, Pairs
    from .yielded import Part

TYPE = b"text/event-stream"


def wanted(headers: Headers) -> bool:
    """Whether the client asks for events."""
    return TYPE in headers.get(b"accept", b"")


async def send(
    parts: AsyncIterator[Part],
    headers: Callable[[], Pairs],
    sending: Callable[[Any], Awaitable[None]],
    told: Callable[[Exception], WorkbenchError],
) -> int:
    """Send data as it comes, and at last `end`; or `error`, in the words of `told`, where something fails in between.
    What fails before the first part is raised: it gets a response of its own. The status that the answer deserved."""
    part = await anext(parts, None)
    head = [(b"content-type", TYPE), (b"cache-control", b"no-cache"), *headers()]
    await sending({"type": "http.response.start", "status": 200, "headers": head})
    rows, status = 0, 200
    try:
        while part is not None:
            records = _records(part.answer.columns)
            rows += len(records)
            event = b"data: " + dumps(records[0] if len(records) == 1 else records) + b"\n\n"
            await sending({"type": "http.response.body", "body": event, "more_body": True})
            part = await anext(parts, None)
        last = b"event: end\ndata: " + dumps({"rows": rows}) + b"\n\n"
    except Exception as error:  # noqa: BLE001 a client gets an answer whatever happens
        said = told(error)
        status, last = status_of(said), b"event: error\ndata: " + dumps(body_of(said)) + b"\n\n"
    await sending({"type": "http.response.body", "body": last})
    return status


def _records(part: Table) -> list[dict[str, Any]]:
    columns = lists(part)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
