"""What is seen is looked at and told; what nobody sees is left alone."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from waiting import until

from workbench.errors import NotFound, UsageError
from workbench.faces import following
from workbench.faces.following import Following


class Counter:
    """A card that changes with each look."""

    def __init__(self, name: str = "run/1") -> None:
        self.name, self.looks, self.parts = name, 0, dict[str, str]()
        self.wrong: Exception | None = None
        self.gate = threading.Event()

    def look(self) -> dict[str, str]:
        self.looks += 1
        if self.wrong:
            raise self.wrong
        return {"head": "same", "figures": str(self.looks), **self.parts}

    def press(self, do: str, **args: Any) -> dict[str, str]:
        if do == "wait":
            self.gate.wait(30)
        if do == "fail":
            raise UsageError("that <cannot> be", fix="try another")
        if do == "open":
            return {"open": "http://127.0.0.1:1/?token=t"}
        return {"said": f"{do} {args}"}

    def goes_on(self, before: Counter) -> None:
        self.looks = before.looks


@pytest.fixture
def told() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def followed(told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(following, "EVERY", 0.01)
    made = Following(told.append, "ab12")
    yield made
    made.hear({"do": "watch", "client": "a", "names": []})
    until(lambda: not made.looks)


def watch(followed: Following, *names: str, client: str = "a") -> None:
    followed.hear({"do": "watch", "client": client, "names": list(names), "number": 7})


def test_only_what_is_new_is_told_and_only_while_it_is_seen(followed: Following, told: list[dict[str, Any]]) -> None:
    card = Counter()
    followed.put(card)
    assert not followed.looks
    watch(followed, "run/1")
    until(lambda: card.looks > 3)
    assert told[0] == {"heard": 7, "client": "a"}
    first, *later = [one["parts"] for one in told if one.get("card") == "run/1"]
    assert first == {"head": "same", "figures": "1"}
    assert all(list(parts) == ["figures"] for parts in later)
    watch(followed)
    until(lambda: not followed.looks)
    seen = card.looks
    assert followed._seen() == []
    assert card.looks == seen


def test_another_browser_is_told_all(followed: Following, told: list[dict[str, Any]]) -> None:
    followed.put(Counter())
    watch(followed, "run/1")
    until(lambda: len(told) > 3)
    told.clear()
    watch(followed, "run/1", client="b")
    until(lambda: any("head" in one.get("parts", {}) for one in told))
    watch(followed, client="b")


def test_a_browser_that_is_silent_is_forgotten(followed: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    followed.put(Counter())
    monkeypatch.setattr(following, "LEASE", 0.1)
    watch(followed, "run/1")
    until(lambda: not followed.looks)


def test_what_is_pressed_waits_for_nobody_and_says_what_came_of_it(
    followed: Following, told: list[dict[str, Any]]
) -> None:
    card = Counter()
    followed.put(card)
    followed.hear({"do": "press", "client": "a", "name": "run/1", "press": "wait", "number": 1})
    followed.hear({"do": "press", "client": "a", "name": "run/1", "press": "stop", "args": {"x": 1}, "number": 2})
    said = until(lambda: [one for one in told if "said" in one.get("parts", {})])
    assert said[0] == {"card": "run/1", "client": "a", "parts": {"said": "stop {'x': 1}"}}
    card.gate.set()
    followed.hear({"do": "press", "client": "a", "name": "run/1", "press": "fail"})
    until(lambda: any("that &lt;cannot&gt; be<br>→ try another" in str(one) for one in told))
    followed.hear({"do": "press", "client": "a", "name": "run/1", "press": "open"})
    opened = until(lambda: [one for one in told if "open" in one])
    assert opened[0]["client"] == "a"
    assert opened[0]["parts"] == {}
    followed.hear({"do": "press", "client": "a", "name": "run/77", "press": "stop"})
    until(lambda: any("run its cell again" in str(one) for one in told))


def test_a_card_that_breaks_breaks_no_other_and_one_that_is_removed_says_so(
    followed: Following, told: list[dict[str, Any]]
) -> None:
    broken, good = Counter("run/1"), Counter("run/2")
    followed.put(broken)
    followed.put(good)
    broken.wrong = RuntimeError("no <disk>")
    watch(followed, "run/1", "run/2")
    until(lambda: good.looks > 2)
    assert any("RuntimeError: no &lt;disk&gt;" in str(one) for one in told)
    broken.wrong = NotFound("there is no run/1")
    until(lambda: any("removed" in str(one) for one in told))


def test_a_cell_that_runs_again_goes_on_in_the_same_card(followed: Following) -> None:
    first, second = Counter(), Counter()
    first.looks = 40
    followed.put(first)
    followed.put(second)
    assert second.looks == 40


def test_work_of_the_kernel_is_told_whoever_says_what(followed: Following, told: list[dict[str, Any]]) -> None:
    followed.put(Counter("progress/1"))
    followed.insist(frozenset({"progress/1"}))
    until(lambda: len(told) > 3)
    assert {one["card"] for one in told} == {"progress/1"}
    followed.insist(frozenset())
    until(lambda: not followed.looks)
