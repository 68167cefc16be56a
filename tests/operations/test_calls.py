"""What starts runs from outside: the messages of a queue, and calls of a webhook."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from broker_servers import answers as listens
from notebook_parts import notebook, printed
from ports import free_port
from waiting import until

from workbench.api import Workbench
from workbench.data import places
from workbench.errors import NotFound, UsageError
from workbench.jobs import supervisor

TAKES = 'message: dict = {}  # {"month": 7}\nday = 1'


def done(api: Workbench, number: int) -> list[Any]:
    def all_done() -> list[Any]:
        runs = api.runs()
        return runs if [run.state for run in runs] == ["done"] * number else []

    return until(all_done, str(api.runs()))


def said(api: Workbench) -> list[str]:
    """What the runs printed, in their order."""
    return [line for run in api.runs() for line in printed(run.facts["output"])]


def kill_supervisor(api: Workbench) -> None:
    os.kill(until(lambda: supervisor.process_of(api.running.store.folder)).pid, signal.SIGKILL)
    until(lambda: not supervisor.runs(api.home))


def test_each_message_of_a_queue_starts_one_run(api: Workbench, tmp_path: Path) -> None:
    api.put("queue:orders", [{"month": 1}])
    notebook(tmp_path, "print(message, day)", parameters=TAKES)
    schedule = api.batch("nb.ipynb", on_message="queue:orders", parameters={"day": 7})
    assert str(schedule).startswith("schedule/nb waits · for messages of queue:orders")
    api.put("queue:orders", [{"month": 2}, {"month": 3}])
    done(api, 2)
    assert said(api) == ["{'month': 2} 7", "{'month': 3} 7"], "what was there before is left alone"
    assert "nb.ipynb day=7 for a message" in str(api.runs()[0])
    kill_supervisor(api)
    api.put("queue:orders", [{"month": 4}])
    assert "2 runs so far" in str(api.batch("nb.ipynb", on_message="queue:orders", parameters={"day": 7}))
    done(api, 3)
    assert said(api)[2:] == ["{'month': 4} 7"]
    api.pause("schedule/nb")
    api.put("queue:orders", [{"month": 5}])
    api.resume("schedule/nb")
    done(api, 4)
    with closing(places.log("queue:orders")) as log:
        assert list(log.offsets()) == ["schedule-nb"]
        api.remove("schedule/nb")
        assert not log.offsets()


@pytest.mark.parametrize("kind", ["redis", "kafka", "nats", "amqp"])
def test_messages_of_brokers_start_runs(
    kind: str, api: Workbench, tmp_path: Path, brokers: Callable[[str], Any]
) -> None:
    place = brokers(kind).place(f"orders-{kind}")
    api.put(place, [{"month": 1}])
    notebook(tmp_path, "print(message)", parameters=TAKES)
    schedule = api.batch("nb.ipynb", on_message=place)
    assert f"for messages of {kind}://" in str(schedule)
    api.put(place, [{"month": 2}])
    done(api, 1 + (kind == "amqp"))
    before = ["{'month': 1}"] * (kind == "amqp")  # what lies in a queue is there to be taken
    assert said(api) == [*before, "{'month': 2}"]


def test_a_webhook_starts_a_run_for_each_delivery(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "print(message)", parameters=TAKES)
    schedule = api.batch("nb.ipynb", on_webhook=True)
    url, token = schedule.url, api.token("schedule/nb")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/nb", url)
    line = f"curl -H \"Authorization: Bearer $(workbench token schedule/nb)\" {url} -d '{{}}'"
    assert line in str(schedule)
    assert str(token) not in str(schedule)
    let_in = {"Authorization": f"Bearer {token}"}
    until(lambda: listens(urlsplit(url).port))
    for headers in ({}, {"Authorization": "Bearer x"}, {"X-Hub-Signature-256": "sha256=0"}):
        assert httpx.post(url, json={}, headers=headers).status_code == 401
    assert httpx.post(url.replace("/nb", "/other"), json={}, headers=let_in).status_code == 401
    assert httpx.get(url).status_code == 405
    assert httpx.post(url, content=b"x" * 1_000_001, headers=let_in).status_code == 413
    assert httpx.post(url, content=b"\xff", headers=let_in).status_code == 400
    first = httpx.post(url, json={"month": 7}, headers=let_in | {"Idempotency-Key": "a"})
    again = httpx.post(url, json={"month": 7}, headers=let_in | {"Idempotency-Key": "a"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json() == {"run": "run/1"}
    signature = hmac.new(token.encode(), b'{"month": 8}', hashlib.sha256).hexdigest()
    signed = httpx.post(url, content=b'{"month": 8}', headers={"X-Hub-Signature-256": f"sha256={signature}"})
    assert signed.status_code == 202
    done(api, 2)
    assert said(api) == ["{'month': 7}", "{'month': 8}"]
    api.pause("schedule/nb")
    assert httpx.post(url, json={}, headers=let_in).status_code == 409
    assert api.batch("nb.ipynb", on_webhook=True).url == url
    assert api.batch("nb.ipynb", on_webhook=True, name="two").url == url.replace("/nb", "/two")
    api.remove("schedule/nb")
    with pytest.raises(NotFound):
        api.token("schedule/nb")
    until(lambda: httpx.post(url, json={}, headers=let_in).status_code == 401)


def test_a_port_that_another_has_is_told(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "1")
    import socket

    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        schedule = api.batch("nb.ipynb", on_webhook=port)
        assert "the notebook has no parameter `message`" in str(schedule)
        until(lambda: "cannot listen: nothing can listen at 127.0.0.1:" in str(api.schedules()[0]))
    until(lambda: "cannot listen" not in str(api.schedules()[0]))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a file": ({"on_message": "in/*.csv"}, "messages come from a queue"),
    "a table": ({"on_message": "sqlite:///a.db?table=a"}, "messages come from a queue"),
    "a host alone": ({"host": "0.0.0.0"}, "--host is for a webhook"),
    "two": ({"on_message": "queue:a", "on_webhook": True}, "--on-message and --on-webhook both say"),
    "nobody looks": ({"on_drift": "churn"}, "nobody looks for drift of churn"),
    "no such address": ({"on_webhook": True, "host": "192.0.2.1"}, "nothing can listen at 192.0.2.1"),
    "kept for ever": ({"every": "daily", "keep_runs": "0"}, "'0' is neither a number of runs nor a time"),
    "once": ({"keep_runs": "5"}, "--keep-runs is for a schedule"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_waited_for_is_refused(case: str, api: Workbench, tmp_path: Path) -> None:
    options, why = REFUSED[case]
    notebook(tmp_path, "1", parameters=TAKES)
    with pytest.raises((UsageError, NotFound), match=re.escape(why)):
        api.batch("nb.ipynb", **options)
    assert list(api.schedules()) == []
