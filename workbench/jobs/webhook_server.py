"""The server that hears a webhook: standard library alone, since the supervisor has no other."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from .. import journal
from ..errors import WorkbenchError
from . import own_token
from .store import Store
from .webhooks import Address, address

MOST_BYTES = 1_000_000
_AT_ONCE = 32
_SECONDS = 10.0
_DELIVERY = ("Idempotency-Key", "Webhook-Id", "X-GitHub-Delivery", "X-Gitlab-Event-UUID")
Answer = tuple[int, dict[str, Any]]


class Server(ThreadingHTTPServer):
    """One address; each call has a thread, and there are never many."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, at: Address, store: Store) -> None:
        super().__init__(at, _Handler)
        self.at, self.store, self.free = at, store, threading.BoundedSemaphore(_AT_ONCE)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.free.acquire()  # whoever comes beyond waits to be accepted; none takes longer than its time
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who calls and hangs up is no trouble of ours."""

    def end(self) -> None:
        """Listen no more."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One call."""

    timeout = _SECONDS
    server: Server
    server_version, sys_version = "Workbench", ""

    def do_POST(self) -> None:
        try:
            status, said = self._answered()
        except WorkbenchError as error:
            journal.note(error)
            status, said = 503, {"error": error.what}
        self._answer(status, said)

    def do_GET(self) -> None:
        self._answer(405, {"error": "it is called with POST"})

    def _answer(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answered(self) -> Answer:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            return 411, {"error": "a Content-Length is needed"}
        if int(length) > MOST_BYTES:
            return 413, {"error": f"a message has at most {MOST_BYTES} bytes"}
        body, name = self.rfile.read(int(length)), f"schedule/{unquote(urlsplit(self.path).path).strip('/')}"
        if len(body) < int(length):
            return 400, {"error": "the message was cut off"}
        known = [one.name for one in self.server.store.schedules() if address(one) == self.server.at]
        token = own_token.found(self.server.store.folder_of(name)) if name in known else ""
        if not token or not self._known(token, body):  # which schedules there are is nobody's business either
            return 401, {"error": "a token is needed: Authorization: Bearer …"}
        try:
            return self._begun(name, body.decode())
        except UnicodeDecodeError:
            return 400, {"error": "the message is no text in UTF-8"}

    def _known(self, token: str, body: bytes) -> bool:
        """By the token itself, or by a signature of what is sent that was made with it, as GitHub does."""
        signed = f"sha256={hmac.new(token.encode(), body, hashlib.sha256).hexdigest()}"
        proofs = {"Authorization": f"Bearer {token}", "X-Hub-Signature-256": signed, "X-Gitlab-Token": token}
        given = {header: self.headers.get(header, "").encode("latin-1", "replace") for header in proofs}
        return any(hmac.compare_digest(given[header], proof.encode()) for header, proof in proofs.items())

    def _begun(self, name: str, text: str) -> Answer:
        """A run for this delivery, or the one that it has: who sends it again is told the same."""
        own = next((self.headers[header] for header in _DELIVERY if self.headers.get(header)), uuid.uuid4().hex)
        store = self.server.store
        if run := store.arrived(name, f"call {own}", message=text, called=True):
            store.event(name, f"called → {run}")
            return 202, {"run": run}
        if run := store.run_for(name, f"call {own}"):
            return 200, {"run": run}
        return 409, {"error": f"{name} is paused"}

    def log_message(self, format: str, *args: Any) -> None:
        """What was begun is an event of the schedule; a log of lines helps nobody."""
