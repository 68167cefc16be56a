"""A card of what is gone, and where cards are live."""

from __future__ import annotations

import pytest

from workbench.errors import NotFound
from workbench.faces import live


class Gone:
    """A card of a thing that was removed."""

    name = "service/gone"

    def look(self) -> dict[str, str]:
        raise NotFound("there is no service/gone")

    def press(self, do: str, **args: object) -> dict[str, str]:
        return {}

    def goes_on(self, before: object) -> None:
        pass


def test_what_is_gone_is_shown_as_removed() -> None:
    shown = live.follow(Gone())
    assert "service/gone" in shown
    assert "removed" in shown


@pytest.mark.parametrize(
    ("variables", "live_there"),
    [
        ({}, False),
        ({"JPY_SESSION_NAME": "a.ipynb"}, True),
        ({"SERVER_SOFTWARE": "voila/0.5"}, True),
        ({"JPY_SESSION_NAME": "a.ipynb", "WORKBENCH_LIVE": "0"}, False),
        ({"WORKBENCH_LIVE": "1"}, True),
    ],
)
def test_cards_are_live_where_a_browser_looks(
    variables: dict[str, str], live_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JPY_SESSION_NAME", "SERVER_SOFTWARE", "WORKBENCH_LIVE", "VSCODE_PID", "VSCODE_CWD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert live.browsed({}) is live_there
    vs_code = {"__vsc_ipynb_file__": "/home/ada/a.ipynb"}
    assert live.browsed(vs_code) is (variables.get("WORKBENCH_LIVE") != "0")
