"""What doctor says of an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

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
