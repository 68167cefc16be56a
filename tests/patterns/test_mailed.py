"""Predictions by mail, through a real SMTP server on this machine."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mail_servers import MailServer

from workbench.errors import StorageError, UsageError
from workbench.inference.predictor import Predictor
from workbench.inference.schema import Schema
from workbench.patterns.offline import Scored, predict

FRAME = pd.DataFrame({"age": [1, 2]})
MODEL = Predictor(lambda frame: frame.age * 2, Schema.infer(FRAME), name="churn@3", row_wise=True)


class Inbox:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 OK"


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    inbox = Inbox()
    server = MailServer(inbox)
    server.start()
    monkeypatch.setenv("WORKBENCH_SMTP_URL", f"smtp://127.0.0.1:{server.port}")
    monkeypatch.setenv("WORKBENCH_MAIL_FROM", "me@example.org")
    yield inbox
    server.stop(no_assert=True)


def attached(message: EmailMessage) -> dict[str | None, str]:
    return {part.get_filename(): part.get_content() for part in message.iter_attachments()}


def test_predictions_without_a_file_are_a_csv(inbox: Inbox) -> None:
    scored = predict(MODEL, FRAME, email="you@example.org")
    assert isinstance(scored, Scored)
    assert str(scored).startswith("churn@3 ✓ 2 rows")
    assert "mail  sent to you@example.org" in str(scored)
    (message,) = inbox.mails
    assert message["Subject"] == "churn@3: 2 predictions"
    assert attached(message) == {"churn-3-predictions.csv": "age,prediction\n1,2\n2,4\n"}


def test_a_file_is_attached_and_stays(inbox: Inbox, tmp_path: Path) -> None:
    predict(MODEL, FRAME, tmp_path / "out.csv", email="you@example.org")
    assert attached(inbox.mails[0]) == {"out.csv": (tmp_path / "out.csv").read_text()}


def test_a_table_is_named(inbox: Inbox, tmp_path: Path) -> None:
    predict(MODEL, FRAME, f"sqlite:///{tmp_path}/a.db?table=scores", email="you@example.org")
    body = inbox.mails[0].get_body()
    assert body is not None
    assert "a.db?table=scores" in body.get_content()
    assert attached(inbox.mails[0]) == {}


def test_nothing_is_predicted_that_cannot_be_mailed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_SMTP_URL", raising=False)
    with pytest.raises(UsageError, match="WORKBENCH_SMTP_URL"):
        predict(MODEL, FRAME, tmp_path / "out.csv", email="you@example.org")
    assert not list(tmp_path.iterdir())


def test_a_mail_that_fails_says_where_the_predictions_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_SMTP_URL", "smtp://127.0.0.1:1")
    monkeypatch.setenv("WORKBENCH_MAIL_FROM", "me@example.org")
    with pytest.raises(StorageError, match="was not sent") as refused:
        predict(MODEL, FRAME, tmp_path / "out.csv", email="you@example.org")
    assert f"the predictions are in {tmp_path}/out.csv" in str(refused.value)
    assert (tmp_path / "out.csv").exists()
