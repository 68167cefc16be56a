"""Links that let a browser in for a while."""

from __future__ import annotations

import pytest

from workbench import tickets

SECRET = "s3cret"
NOW = 1_000_000.0


def test_a_link_holds_until_its_end_and_its_cookie_until_the_stay_ends() -> None:
    ticket = tickets.opening(NOW)
    link, cookie = ticket.signed(SECRET), ticket.cookie().signed(SECRET)
    assert tickets.read(link, SECRET, "link", NOW + tickets.OPENING - 1) == ticket
    assert tickets.read(link, SECRET, "link", NOW + tickets.OPENING + 1) is None
    assert tickets.read(cookie, SECRET, "stay", NOW + tickets.STAYING - 1)
    assert tickets.read(cookie, SECRET, "stay", NOW + tickets.STAYING + 1) is None


def test_a_guest_stays_no_longer_than_the_link_says() -> None:
    cookie = tickets.guest(NOW + 60).cookie().signed(SECRET)
    assert tickets.read(cookie, SECRET, "stay", NOW + 59)
    assert tickets.read(cookie, SECRET, "stay", NOW + 61) is None


def test_neither_does_for_the_other() -> None:
    ticket = tickets.opening(NOW)
    assert tickets.read(ticket.signed(SECRET), SECRET, "stay", NOW) is None
    assert tickets.read(ticket.cookie().signed(SECRET), SECRET, "link", NOW) is None


@pytest.mark.parametrize(
    "given", ["", "link", "...", "link.9e99.9e99.", "link.2000000.2000000." + "0" * 64, "stay.x.y.z", "é" * 9]
)
def test_what_was_not_signed_lets_nobody_in(given: str) -> None:
    assert tickets.read(given, SECRET, "link", NOW) is None


def test_a_changed_ticket_or_another_secret_lets_nobody_in() -> None:
    link = tickets.opening(NOW).signed(SECRET)
    kind, until, stay, signature = link.split(".")
    longer = ".".join([kind, str(int(until) + 1000), stay, signature])
    assert tickets.read(longer, SECRET, "link", NOW) is None
    assert tickets.read(link, "another", "link", NOW) is None
