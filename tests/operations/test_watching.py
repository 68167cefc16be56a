"""Drift that is looked at on a cycle: told once when it begins, read by Prometheus, and acted upon."""

from __future__ import annotations

import email
import email.policy
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import nbformat
import pytest
from drift_models import customers, score
from mail_servers import MailServer
from notebook_parts import notebook, printed
from ports import free_port
from prometheus_client.parser import text_string_to_metric_families
from serving_parts import client
from waiting import until

from workbench import paths
from workbench.api import Workbench
from workbench.errors import NotFound, UsageError
from workbench.operations.watching import look

FAR = "monday 6:00"
"""A cycle whose next time comes in no test's life, as the next full hour may."""


@pytest.fixture
def service(api: Workbench) -> Any:
    api.model("churn", score, example=customers(600, 0), row_wise="yes")
    return api.serve("churn", log_requests=True)


@pytest.fixture
def hook() -> Any:
    told: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 (named by http.server)
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", told
        server.shutdown()
        thread.join()


class Inbox:
    """What a mail server took."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (named by aiosmtpd)
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def inbox() -> Any:
    made = Inbox()
    controller = MailServer(made)
    controller.start()
    yield controller.port, made.mails
    controller.stop()


def ask(service: Any, rows: Any) -> None:
    with client(service) as asking:
        assert asking.post("/predict", json=json.loads(rows.to_json(orient="records"))).status_code == 200


def figures(service: Any) -> dict[tuple[str, str], float]:
    with client(service) as asking:
        said = asking.get("/metrics").text
    families = list(text_string_to_metric_families(said))
    return {(s.name, s.labels.get("column", "")): s.value for f in families for s in f.samples if "drift" in s.name}


def test_a_look_tells_when_drift_begins_and_not_again(api: Workbench, service: Any, hook: Any, tmp_path: Path) -> None:
    where, told = hook
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("open('began', 'w').close()")])
    nbformat.write(notebook, tmp_path / "again.ipynb")
    schedule = api.drift("churn", every=FAR, notify=where, then="again.ipynb", metrics="drift.prom")
    assert str(schedule).startswith("schedule/drift-churn next run ")
    assert "drift of service/churn" in str(schedule)
    spec = schedule.schedule.spec

    ask(service, customers(400, 1))
    quiet = look(api.home, spec, control=None)
    assert not quiet.drifted
    assert figures(service)["workbench_drift", "age"] == 0.0
    assert told == []

    ask(service, customers(400, 2).assign(age=80.0))
    first, second = look(api.home, spec, control=None), look(api.home, spec, control=None)
    assert "age" in first.columns
    assert second.columns == first.columns
    assert [one["subject"] for one in told] == ["drift: service/churn, churn@1"]
    seen = figures(service)
    assert seen["workbench_drift", "age"] == 1.0
    assert seen["workbench_drift_psi", "age"] > 1.0
    assert seen["workbench_drift_rows", ""] == 800
    assert "workbench_drift_psi" in (tmp_path / "drift.prom").read_text()
    began = api.wait(first.note.rpartition("→ ")[2])
    assert began.state == "done"
    assert (tmp_path / "began").exists()
    assert len(api.runs()) == 1, "it is run where drift begins"


def test_the_run_of_a_schedule_looks_and_mails(api: Workbench, service: Any, inbox: Any, tmp_path: Path) -> None:
    port, mails = inbox
    lines = [f"WORKBENCH_SMTP_URL=smtp://127.0.0.1:{port}", "WORKBENCH_MAIL_FROM=workbench@example.org"]
    (tmp_path / "env").write_text("\n".join(lines))
    ask(service, customers(300, 2).assign(age=80.0))
    how = {"notify": "me@example.org", "env_file": "env"}
    schedule = api.drift("service/churn", every=FAR, since="1h", **how)
    notebook(tmp_path, "print(message['drift'], 'age' in message['columns'])", parameters="message = {}")
    follower = api.batch("nb.ipynb", on_drift="churn", output="then.ipynb")
    assert "schedule/nb waits · for drift of service/churn" in str(follower)
    run = api.running.store.add_run(schedule.schedule.spec, schedule.schedule.environment)
    api.running.begin(run)
    done = api.wait(run.name)
    assert done.facts["drifted"]
    assert "churn@1 ✗ drift in age" in str(done)
    assert paths.state(api.home).exists()
    then = until(lambda: [run for run in api.runs() if run.job.schedule == "schedule/nb" and run.state == "done"])
    assert f"nb.ipynb after {run.name} found drift" in str(then[0])
    assert printed("then.ipynb") == ["service/churn True"]
    again = api.running.store.add_run(schedule.schedule.spec, schedule.schedule.environment)
    api.running.begin(again)
    assert not api.wait(again.name).facts["begins"], "it goes on"
    assert api.running.store.take_followers() == []
    api.remove(schedule.name)
    assert "waits in vain: nobody looks for drift of service/churn any more" in str(api.schedules()[0])
    (mail,) = mails
    assert (mail["subject"], mail["to"]) == ("drift: service/churn, churn@1", "me@example.org")
    assert "churn@1 ✗ drift in age" in mail.get_content()


def test_batches_and_streams_are_looked_at_as_well(api: Workbench, service: Any, tmp_path: Path) -> None:
    customers(500, 5).assign(plan="plus").to_parquet(tmp_path / "later.parquet")
    run = api.batch("churn", "later.parquet", output="scored/", wait=True)
    assert "plan" in api.drift(run.name, metrics="run.prom").columns
    assert f'name="{run.name}"' in (tmp_path / "run.prom").read_text()
    api.put("queue:people", customers(300, 6))
    both = api.stream("churn", "queue:people", output=["queue:scored", "out.jsonl"], name="both")
    both.until(lambda facts: facts.get("records") == 300)
    assert "stream/both, queue:scored" in str(api.drift("stream/both"))
    api.stop(both.name)
    port = free_port()
    stream = api.stream("churn", "queue:people", output="out/", part_rows=300, metrics=port)
    stream.until(lambda facts: facts.get("records") == 300 and not facts.get("held"))
    assert not api.drift("stream/churn").drifted
    shown = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'workbench_drift{column="age",model="churn",name="stream/churn"' in shown
    api.stop(stream.name)
    assert api.drift("stream/churn", every="1 day").name == "schedule/drift-churn"


def test_what_cannot_be_watched_says_so(api: Workbench, service: Any) -> None:
    with pytest.raises(UsageError, match="only what runs"):
        api.drift("churn", customers(200, 1), every="1 hour")
    with pytest.raises(UsageError, match="--then is for a cycle"):
        api.drift("churn", then="again.ipynb")
    with pytest.raises(NotFound, match="no notebook"):
        api.drift("churn", every="1 hour", then="nowhere.ipynb")
