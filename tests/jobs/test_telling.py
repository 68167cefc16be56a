"""Whoever wants to know of a failure is told of it once, and nobody else waits for that."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from job_parts import environment, ready, supervisor_of
from waiting import until

from workbench.jobs import supervisor, telling
from workbench.jobs.store import Store


class Hook:
    """A web hook; it answers once `gate` is open."""

    def __init__(self) -> None:
        hook, self.said, self.gate = self, [], threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.said.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                hook.gate.wait()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.gate.set()
    made.server.shutdown()
    made.server.server_close()


def told(store: Store, name: str) -> list[str]:
    return [event.text for event in store.events(name) if "failure" in event.details]


@pytest.mark.parametrize("target", ["crashes", "refuses"])
def test_a_failure_is_told(target: str, store: Store, home: Path, hook: Hook) -> None:
    """Whether its process was killed, or has said itself that it failed."""
    hook.gate.set()
    store.put("run/1", {}, environment(target), restart="never", notify=hook.url)
    supervisor.ensure(home)
    assert until(lambda: told(store, "run/1")) == ["127.0.0.1 was told"]
    [said] = hook.said
    assert said["subject"] == "run/1 failed"
    assert store.get("run/1").reason in said["text"]
    assert any(event.text.startswith("failed: ") for event in store.events("run/1"))


def test_a_hook_that_hangs_stops_nobody(store: Store, home: Path, hook: Hook) -> None:
    store.put("stream/a", {}, environment())
    store.put("run/1", {}, environment("refuses"), restart="never", notify=hook.url)
    supervisor.ensure(home)
    until(lambda: hook.said)
    before = ready(store, "stream/a").process
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: (job := store.get("stream/a")).state == "ready" and job.process != before)
    assert not told(store, "run/1")


def test_what_a_killed_supervisor_did_not_tell_is_told_by_the_next(store: Store, home: Path, hook: Hook) -> None:
    store.put("run/1", {}, environment("refuses"), restart="never", notify=hook.url)
    supervisor.ensure(home)
    until(lambda: hook.said)
    os.kill(until(lambda: supervisor_of(home)), signal.SIGKILL)
    until(lambda: not supervisor.runs(home))
    hook.gate.set()
    store.put("stream/a", {}, environment())
    supervisor.ensure(home)
    until(lambda: told(store, "run/1"))
    assert len(hook.said) == 2
    os.kill(until(lambda: supervisor_of(home)), signal.SIGKILL)
    until(lambda: not supervisor.runs(home))
    supervisor.ensure(home)
    os.kill(ready(store, "stream/a").process.pid, signal.SIGKILL)
    until(lambda: store.get("stream/a").restarts)
    assert len(hook.said) == 2, "it was told once"


def test_who_cannot_be_told_is_tried_again_and_then_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_PAUSES", (0.0, 0.0))
    tries: list[tuple[Any, ...]] = []

    def send(*args: Any) -> None:
        tries.append(args)
        raise OSError("nobody there")

    store.put("run/1", {}, environment(), notify="me@example.org")
    store.refused("run/1", "as a test")
    own = telling.Telling(store, send)
    for _ in range(3):
        own.of(store.get("run/1"))
    assert until(lambda: told(store, "run/1")) == ["me@example.org could not be told: nobody there"]
    assert [args[:3] for args in tries] == [("me@example.org", "run/1 failed", "as a test")] * 3


def test_the_settings_of_the_mail_may_stand_in_the_file_of_variables(store: Store, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("WORKBENCH_SMTP_URL=smtp://here:25\n")
    found: list[Mapping[str, str]] = []
    store.put("run/1", {}, environment(env_file=str(tmp_path / "env")), notify="me@example.org")
    store.refused("run/1", "as a test")
    telling.Telling(store, lambda *args: found.append(args[3])).of(store.get("run/1"))
    until(lambda: told(store, "run/1"))
    assert found[0]["WORKBENCH_SMTP_URL"] == "smtp://here:25"
