"""The answer to a question as server-sent events: each part as the model yields it, then how many rows there were.

As the HTML standard has `text/event-stream` (https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from ... import journal
from ...data.encoding import dumps, lists
from ...errors import ModelFailed, WorkbenchError
from .refusals import body_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ...inference.fields import Table
    from .exchange import Headers
    from .served import Served

TYPE = b"text/event-stream"


def wanted(headers: Headers) -> bool:
    """Whether the client asks for events."""
    return TYPE in headers.get(b"accept", b"")


async def events(thread: Executor, served: Served, table: Table, client: Any) -> AsyncIterator[bytes]:
    """The events of an answer to these rows, asked for in the model's thread: data, and at last `end`; or `error` where
    the model fails in between."""
    loop, parts = asyncio.get_running_loop(), asyncio.Queue[Any]()

    def tell(part: Any) -> None:
        loop.call_soon_threadsafe(parts.put_nowait, part)

    def run() -> None:
        try:
            for part in served.predictor.parts(table):
                if client.disconnected:
                    return
                tell(part)
        except WorkbenchError as error:
            tell(error)
        except Exception as error:  # noqa: BLE001 a client gets an answer whatever happens
            tell(ModelFailed(f"{served.ref} failed: {type(error).__name__}: {error}", fix="see %workbench logs"))
        finally:
            tell(None)

    running = loop.run_in_executor(thread, run)
    rows = 0
    while (part := await parts.get()) is not None:
        if isinstance(part, WorkbenchError):
            journal.note(part)
            yield b"event: error\ndata: " + dumps(body_of(part)) + b"\n\n"
            break
        records = _records(part)
        rows += len(records)
        yield b"data: " + dumps(records[0] if len(records) == 1 else records) + b"\n\n"
    else:
        yield b"event: end\ndata: " + dumps({"rows": rows}) + b"\n\n"
    await running


def _records(part: Table) -> list[dict[str, Any]]:
    columns = lists(part)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
