"""Small servers as other tools have them: each path answers by a function of the body, over a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Route = Callable[[Any], Any]
"""What a path answers to the JSON of a body (None for a GET): JSON, or (status, JSON or text)."""


class _Handler(BaseHTTPRequestHandler):
    routes: dict[str, Route] = {}

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, said: Any) -> None:
        route = self.routes.get(f"{self.command} {self.path.partition('?')[0]}")
        found = route(said) if route else (404, {"error": f"no {self.path}"})
        status, body = found if isinstance(found, tuple) else (200, found)
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/json")
        if status == 302:
            self.send_header("Location", str(body))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *said: Any) -> None:
        """Nothing: the tests print what they need."""


@contextmanager
def serving(routes: dict[str, Route]) -> Iterator[str]:
    """A server of these routes (`POST /invocations`); its URL."""
    handler = type("Handler", (_Handler,), {"routes": routes})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
