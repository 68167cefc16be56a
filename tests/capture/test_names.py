from __future__ import annotations

import pytest

from workbench.capture.names import uses


@pytest.mark.parametrize(
    ("text", "now", "later"),
    [
        ("def f(x, t=LIMIT):\n    return g(x) + t", {"LIMIT"}, {"g"}),
        ("@deco\ndef f(x: Kind) -> Out:\n    return x", {"deco", "Kind", "Out"}, set()),
        (
            "class A(Base):\n    k = LIMIT\n    def m(self):\n        return helper(self.k)",
            {"Base", "LIMIT"},
            {"helper"},
        ),
        ("f = lambda x: g(x) + h", set(), {"g", "h"}),
        ("def f(xs):\n    return [y * scale for y in xs if y in allowed]", set(), {"scale", "allowed"}),
        ("def f(xs):\n    if (n := size(xs)) > most:\n        return n", set(), {"size", "most"}),
        ("def f(n):\n    return 1 if n == 0 else f(n - 1)", set(), {"f"}),
        ("def f():\n    k = 1\n    def g():\n        nonlocal k\n        k += step\n    return g", set(), {"step"}),
        ("async def f(x):\n    async with lock as y:\n        return await call(x, y)", set(), {"lock", "call"}),
        ("def f(x):\n    import math as m\n    return m.sqrt(x) + other", set(), {"other"}),
    ],
)
def test_names_are_told_apart_by_when_they_are_looked_up(text: str, now: set[str], later: set[str]) -> None:
    found = uses(text)
    assert (set(found.now), set(found.later) - found.now) == (now, later)


def test_annotations_that_are_never_evaluated_need_nothing() -> None:
    text = "def f(x: Gone) -> Gone:\n    return x"
    assert "Gone" in uses(text).now
    assert "Gone" not in uses(text, future_annotations=True).all


def test_dotted_paths_are_kept_whole() -> None:
    found = uses("def f(x):\n    return sklearn.linear_model.Ridge().fit(x)")
    assert "sklearn.linear_model.Ridge" in found.chains["sklearn"]
