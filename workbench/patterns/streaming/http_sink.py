"""An HTTP service: each batch as one POST of JSON, at least once; a key tells the service which batch it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ...brokers.protocol import of_lane
from ...errors import StorageError, UsageError
from .batches import Dead, Unfit

if TYPE_CHECKING:
    from httpx import Response

    from ...brokers.protocol import Marks
    from .batches import Batch

_OF_RECORDS = {400, 413, 415, 422}
"""What a service says of the records that it is sent, and not of who sends them or where."""
_SECONDS = 30.0


def check_address(url: str) -> None:
    """UsageError for what is no address."""
    import httpx

    try:
        known = httpx.URL(url).host and urlsplit(url).hostname
    except (httpx.InvalidURL, ValueError):
        known = None
    if not known:
        raise UsageError(f"{url} is no address of a service", fix="http://HOST:PORT/PATH")


class HttpSink:
    """POSTs a list of records. The header `Idempotency-Key` is the same when a batch is sent again, by this process or
    by one that follows it."""

    repeats = True

    def __init__(self, url: str, source: str) -> None:
        import httpx

        self.url, self.source = url, source
        self.client = httpx.Client(timeout=_SECONDS)

    def position(self, lane: str) -> int | None:
        return None

    def write(self, batch: Batch) -> Marks:
        if batch.records and (dead := self._sent(batch, batch.first, batch.last)):
            if 1 < len(batch.records) == len(dead):
                what = f"sink {self.url} refuses all of {len(dead)} records: {dead[0].reason}"
                raise StorageError(what, fix="see what that service takes; it is tried again")
            raise Unfit(dead, batch.marks)
        return batch.marks

    def _sent(self, batch: Batch, first: int, last: int) -> list[Dead]:
        """The records that the service refuses, found by halves; the others are there."""
        answer = self._post(batch.lines, f"{quote(of_lane(self.source, batch.lane), safe='')}-{first}-{last}")
        if answer.status_code < 300:
            return []
        said = f"{answer.status_code} {' '.join(answer.text.split())[:200]}".strip()
        if answer.status_code not in _OF_RECORDS:
            raise StorageError(f"sink {self.url} answers {said}", fix="look at that service; it is tried again")
        if len(batch.records) == 1:
            return [Dead(batch.records[0], f"sink {self.url} refuses it: {said}")]
        middle = len(batch.records) // 2
        halves = slice(None, middle), slice(middle, None)
        parts = [replace(batch, records=batch.records[half], lines=batch.lines[half]) for half in halves]
        return [one for part in parts for one in self._sent(part, part.records[0].offset, part.records[-1].offset)]

    def _post(self, lines: list[bytes], key: str) -> Response:
        import httpx

        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        try:
            return self.client.post(self.url, content=b"[" + b",".join(lines) + b"]", headers=headers)
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            raise StorageError(
                f"sink {self.url} cannot be reached: {said}", fix="look at that service; it is tried again"
            ) from error

    def rewind(self, marks: Marks) -> None:
        """Its keys are others in each turn."""

    def flush(self) -> Marks:
        return {}

    def close(self) -> Marks:
        self.client.close()
        return {}
