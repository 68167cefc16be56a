"""Mail, sent to a real SMTP server on this machine."""

from __future__ import annotations

import email
import email.policy
import os
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from mail_servers import MailServer

from workbench import notify
from workbench.errors import NotFound, StorageError, UsageError


class Inbox:
    """What the server took; it refuses the address nobody@example.org, and full@example.org for good."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address == "nobody@example.org":
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if "full@example.org" in envelope.rcpt_tos:
            return "552 mailbox full"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append((envelope.rcpt_tos, message))
        return "250 OK"


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.login == b"me" and data.password == b"p@ss", handled=False)


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_SMTP_URL", "smtp://mail.example.org")
    monkeypatch.setenv("WORKBENCH_MAIL_FROM", "me@example.org")


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    inbox = Inbox()
    server = MailServer(inbox, authenticator=_authenticate, auth_require_tls=False)
    server.start()
    monkeypatch.setenv("WORKBENCH_SMTP_URL", f"smtp://me:p%40ss@127.0.0.1:{server.port}")
    yield inbox
    server.stop(no_assert=True)


def test_a_mail_with_files(inbox: Inbox, tmp_path: Path) -> None:
    (tmp_path / "scored.csv").write_text("a,b\n1,2\n")
    notify.mail(
        "you@example.org, other@example.org", "churn: 1 row", "Grüße", [tmp_path / "scored.csv", ("x.gz", b"\x1f\x8b")]
    )
    ((to, message),) = inbox.mails
    assert to == ["you@example.org", "other@example.org"]
    assert (message["From"], message["Subject"]) == ("me@example.org", "churn: 1 row")
    body = message.get_body()
    assert body is not None
    assert body.get_content().strip() == "Grüße"
    attached = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
    assert attached == {"scored.csv": "a,b\n1,2\n", "x.gz": b"\x1f\x8b"}


def test_what_the_server_refuses(inbox: Inbox) -> None:
    with pytest.raises(UsageError, match=r"refuses nobody@example.org: .*no such user"):
        notify.mail("nobody@example.org", "s", "t")
    with pytest.raises(StorageError, match="mailbox full"):
        notify.mail("full@example.org", "s", "t")
    with pytest.raises(NotFound, match=r"no file .*x\.csv"):
        notify.mail("you@example.org", "s", "t", [Path("x.csv")])
    assert not inbox.mails


def test_a_wrong_password_is_never_shown(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_SMTP_URL", os.environ["WORKBENCH_SMTP_URL"].replace("p%40ss", "geheim"))
    with pytest.raises(UsageError, match="does not know the user me") as refused:
        notify.mail("you@example.org", "s", "t")
    assert "geheim" not in str(refused.value)


def test_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_SMTP_URL", "smtp://me:geheim@127.0.0.1:1")
    with pytest.raises(StorageError, match=r"127\.0\.0\.1:1") as refused:
        notify.mail("you@example.org", "s", "t")
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("missing", ["WORKBENCH_SMTP_URL", "WORKBENCH_MAIL_FROM"])
def test_missing_settings_are_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delenv(missing)
    with pytest.raises(UsageError, match=missing) as refused:
        notify.check("you@example.org")
    assert "smtp://user:password@" in str(refused.value)


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail", "smtp://", "smtp://host:port"])
def test_settings_that_are_no_server(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("WORKBENCH_SMTP_URL", url)
    with pytest.raises(UsageError, match=r"is not smtp\[s\]://"):
        notify.check("you@example.org")


@pytest.mark.parametrize("address", ["you", "@example.org", "a b@example.org", "a@b@c", "you@", ""])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="is not a mail address"):
        notify.check(address)
