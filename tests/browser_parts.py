"""A real Chromium, steered over its DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import websocket
from waiting import until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed")
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")


class Page:
    """One tab: `complaints` holds what the console and the page's policy said, `requests` each address it asked for."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self.socket, self.asked = socket, 0
        self.complaints: list[str] = []
        self.requests: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")
        self.do("Emulation.setFocusEmulationEnabled", enabled=True)

    def do(self, method: str, **parameters: Any) -> Any:
        """One command of the protocol, and its result."""
        self.asked += 1
        self.socket.send(json.dumps({"id": self.asked, "method": method, "params": parameters}))
        while (said := json.loads(self.socket.recv())).get("id") != self.asked:
            self._hear(said)
        assert "error" not in said, said
        return said["result"]

    def _hear(self, event: dict[str, Any]) -> None:
        said = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif event["method"] == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(said["exceptionDetails"]))
        elif event["method"] == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.complaints.append(said["entry"]["text"])
        elif event["method"] == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(said["args"]))

    def go(self, url: str) -> None:
        """Open an address, and wait until its page is whole."""
        self.do("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        found = self.do("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, script: str) -> None:
        """Wait for an expression to be true of the page."""
        until(lambda: self.run(f"Boolean({script})"), script)

    def fill(self, name: str, value: str) -> None:
        """Type into the field of a form; yes and no into a box."""
        place = f"fields().find(({{ name }}) => name === {json.dumps(name)}).control"
        part = "checked" if value in ("yes", "no") else "value"
        typed = json.dumps(value == "yes" if part == "checked" else value)
        self.run(f"{place}.{part} = {typed}; {place}.dispatchEvent(new Event('change', {{bubbles: true}}))")

    def press(self, text: str) -> None:
        """Press the first button that is shown and says so."""
        self.run(
            f"[...document.querySelectorAll('button')].find(b => b.checkVisibility() && b.textContent === {json.dumps(text)}).click()"
        )

    def text(self, selector: str) -> str:
        """What a person reads there."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def looks(self, width: int, scheme: str = "light") -> None:
        """The width of the window, and whether its user likes it light or dark."""
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, file: Path, clip: dict[str, float] | None = None) -> None:
        """The whole page as it is drawn, or a part of it."""
        part = {"clip": clip} if clip else {}
        shot = self.do("Page.captureScreenshot", captureBeyondViewport=True, **part)
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A Chromium of its own with one tab; it ends with the block."""
    command = [CHROMIUM, *_FLAGS, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        with _tab(folder) as socket:
            yield Page(socket)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _tab(folder: Path) -> Iterator[websocket.WebSocket]:
    import httpx

    told = folder / "DevToolsActivePort"
    until(lambda: told.exists() and len(told.read_text().splitlines()) == 2)
    port = told.read_text().splitlines()[0]
    with httpx.Client(trust_env=False, base_url=f"http://127.0.0.1:{port}") as ask:
        tab = next(one for one in ask.get("/json").json() if one["type"] == "page")
    socket = websocket.create_connection(tab["webSocketDebuggerUrl"], suppress_origin=True, timeout=30)
    try:
        yield socket
    finally:
        socket.close()
