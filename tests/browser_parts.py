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
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import websocket
from waiting import PATIENCE, NotYet, until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
PICTURES = os.environ.get("WORKBENCH_PICTURES", "")
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed")
HUB = "hub.example"
"""Another name of this machine in these browsers: by it a page is looked at as from another machine."""
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
_FLAGS += (f"--host-resolver-rules=MAP {HUB} 127.0.0.1",)


@cache
def axe() -> str:
    """axe-core, as a package of the tests carries it."""
    (place,) = find_spec("axe_playwright_python").submodule_search_locations  # type: ignore[union-attr, misc]
    script = Path(place) / "axe.min.js"
    return script.read_text(encoding="utf-8")


_LEAVING = ("navigated or closed", "context was destroyed", "Cannot find context", "Cannot find default execution")


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
        """One command of the protocol, and its result; NotYet while the page is being replaced by another."""
        asked = self._send(method, **parameters)
        while (said := json.loads(self.socket.recv())).get("id") != asked:
            if "method" in said:
                self._hear(said)
        if "error" in said:
            leaving = any(words in said["error"]["message"] for words in _LEAVING)
            raise NotYet(said) if leaving else AssertionError(said)
        return said["result"]

    def _send(self, method: str, **parameters: Any) -> int:
        self.asked += 1
        self.socket.send(json.dumps({"id": self.asked, "method": method, "params": parameters}))
        return self.asked

    def _hear(self, event: dict[str, Any]) -> None:
        said = event.get("params", {})
        if event["method"] == "Page.javascriptDialogOpening":  # whether to leave what is not saved
            self._send("Page.handleJavaScriptDialog", accept=True)
        elif event["method"] == "Network.requestWillBeSent":
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
        """The value of an expression in the page; a promise is waited for. NotYet says what the page raised."""
        found = self.do("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True)
        if "exceptionDetails" in found:
            raise NotYet(found)
        return found["result"].get("value")

    def until(self, script: str) -> None:
        """Wait for an expression to be true of the page, or of the one that follows it."""
        until(lambda: self.run(f"Boolean({script})"), script)

    def click(self, place: str) -> None:
        """Click an element as soon as it is there."""
        self.until(f"(found => found && (found.click(), true))({place})")

    def fill(self, name: str, value: str) -> None:
        """Type into the field of a form; yes and no into a box."""
        place = f"fields().find(({{ name }}) => name === {json.dumps(name)}).control"
        part = "checked" if value in ("yes", "no") else "value"
        typed = json.dumps(value == "yes" if part == "checked" else value)
        self.run(f"{place}.{part} = {typed}; {place}.dispatchEvent(new Event('change', {{bubbles: true}}))")

    def press(self, text: str) -> None:
        """Press the first button that is shown and says so."""
        self.click(
            f"[...document.querySelectorAll('button')].find(b => b.checkVisibility() && b.textContent === {json.dumps(text)})"
        )

    def key(self, key: str) -> None:
        """Press a key where the focus is: Tab, Enter, ArrowRight, …"""
        known = {"Tab": 9, "Enter": 13, " ": 32, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40}
        typed = {"Enter": "\r", " ": " "}.get(key)
        how = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": known[key]}
        said = {"type": "keyDown", "text": typed} if typed else {"type": "rawKeyDown"}
        self.do("Input.dispatchKeyEvent", **said, **how)
        self.do("Input.dispatchKeyEvent", type="keyUp", **how)

    def mouse(self, place: str, button: str = "left") -> None:
        """Press a button of the mouse in the middle of an element, which is scrolled into sight."""
        self.until(f"{place}?.checkVisibility()")
        middle = "(r => [r.x + r.width / 2, r.y + r.height / 2])"
        x, y = self.run(f"{place}.scrollIntoView({{block: 'nearest'}}), {middle}({place}.getBoundingClientRect())")
        self.do("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.do("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1)

    def barriers(self, place: str = "document") -> list[str]:
        """What keeps people out of a part of the page: what axe finds there that is serious or critical."""
        self.until(place)
        self.until("!document.getAnimations().some(one => one instanceof CSSTransition)")  # colours on their way
        if not self.run("Boolean(window.axe)"):
            self.run(f"{axe()};0")
        grave = "v => ['serious', 'critical'].includes(v.impact)"
        where = "v => v.id + ' ' + v.nodes.map(n => n.target.join(' ') + ' ' + n.html.slice(0, 200) + ' ' + n.failureSummary).join(' · ')"
        found: list[str] = self.run(
            f"axe.run({place}, {{resultTypes: ['violations']}}).then(r => r.violations.filter({grave}).map({where}))"
        )
        return found

    def tab(self, beginning: str, title: str = "") -> None:
        """Wait for a tab that was opened at such an address to show a page of this title, then close it."""

        def shown() -> list[str]:
            tabs = self.do("Target.getTargets")["targetInfos"]
            return [t["targetId"] for t in tabs if t["url"].startswith(beginning) and t["title"].startswith(title)]

        self.do("Target.closeTarget", targetId=until(shown, f"{title} at {beginning}")[0])

    def text(self, selector: str) -> str:
        """What a person reads there."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def looks(self, width: int, scheme: str = "light") -> None:
        """The width of the window, and whether its user likes it light or dark."""
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, name: str, clip: dict[str, float] | None = None) -> None:
        """The whole page as it is drawn, or a part of it, kept where WORKBENCH_PICTURES says; nothing without it."""
        if PICTURES:
            part = {"clip": clip} if clip else {}
            shot = self.do("Page.captureScreenshot", captureBeyondViewport=not clip, **part)
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            (Path(PICTURES) / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


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
        tab = until(lambda: next((one for one in ask.get("/json").json() if one["type"] == "page"), None))
    socket = websocket.create_connection(tab["webSocketDebuggerUrl"], suppress_origin=True, timeout=PATIENCE)
    try:
        yield socket
    finally:
        socket.close()
