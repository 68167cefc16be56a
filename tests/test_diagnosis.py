"""What doctor says of an installation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from waiting import PATIENCE

from workbench import diagnosis
from workbench.diagnosis import Finding, examine

SETTINGS = {"WORKBENCH_SMTP_URL": "smtp://mail.example.org:25", "WORKBENCH_MAIL_FROM": "models@example.org"}


def mail(home: Path) -> Finding:
    return next(finding for finding in examine(home, home / "models") if finding.what.startswith("mail"))


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def test_mail_is_set_up_when_a_server_and_a_sender_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mail(home).what == "mail is not set up (--email needs WORKBENCH_SMTP_URL and WORKBENCH_MAIL_FROM)"
    assert mail(home).ok, "nobody must send mail"
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    assert (mail(home).what, mail(home).ok) == ("mail is set up", True)


@pytest.mark.parametrize("missing", SETTINGS)
def test_half_of_the_mail_settings_is_wrong(home: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name in SETTINGS.keys() - {missing}:
        monkeypatch.setenv(name, SETTINGS[name])
    assert (mail(home).what, mail(home).fix) == (f"mail is not set up: {missing} is not set", f"set {missing}")


class Without(BaseHTTPRequestHandler):
    """A server that passes nothing on."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def bare() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Without) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://0.0.0.0:{server.server_address[1]}/user/me/"
        server.shutdown()
        thread.join()


def hub(home: Path) -> list[Finding]:
    return [finding for finding in examine(home, home / "models") if " hub" in finding.what]


def test_links_that_would_not_open_on_a_hub_are_told(home: Path, bare: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX", raising=False)
    assert hub(home) == []
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/me/")
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", bare)
    monkeypatch.setattr(diagnosis, "_PATIENCE", PATIENCE)
    (found,) = hub(home)
    assert "would not open" in found.what
    assert "jupyter-server-proxy" in found.fix
    monkeypatch.delenv("JUPYTERHUB_SERVICE_URL")  # what is installed here is known all the same
    assert [finding.ok for finding in hub(home)] == [True]
