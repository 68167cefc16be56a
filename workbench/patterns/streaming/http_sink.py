"""An HTTP service: each batch as one POST of JSON, at least once; a key tells the service which batch it is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ...brokers.protocol import of_lane
from ...errors import StorageError, UsageError

if TYPE_CHECKING:
    from ...brokers.protocol import Marks
    from .batches import Batch

_AGAIN = {408, 409, 425, 429}
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
        import httpx

        if not batch.records:
            return batch.marks
        key = f"{quote(of_lane(self.source, batch.lane), safe='')}-{batch.first}-{batch.last}"
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        body = b"[" + b",".join(batch.lines) + b"]"
        try:
            answer = self.client.post(self.url, content=body, headers=headers)
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            raise StorageError(
                f"sink {self.url} cannot be reached: {said}", fix="look at that service; it is tried again"
            ) from error
        if answer.status_code >= 500 or answer.status_code in _AGAIN:
            raise StorageError(
                f"sink {self.url} answers {answer.status_code}", fix="look at that service; it is tried again"
            )
        if answer.status_code >= 300:
            said = " ".join(answer.text.split())[:200]
            raise UsageError(f"sink {self.url} refuses with {answer.status_code}: {said}", fix="see what it takes")
        return batch.marks

    def flush(self) -> Marks:
        return {}

    def close(self) -> Marks:
        self.client.close()
        return {}
