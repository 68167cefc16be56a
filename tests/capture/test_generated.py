"""Generated programs: functions, classes, closures and data that refer to each other at random, captured from a live
shell; what is captured answers what the shell answers, or is refused, and never anything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from programs import answer
from shell import Notebook, opened

from workbench.errors import CaptureRefused

KINDS = ("number", "list", "alias", "function", "lambda", "default", "closure", "counter", "class", "child", "instance")
DECORATED = ("wrapped", "by_hand", "cached", "registered")
CHANGES = ("append", "attribute", "redefine", "rebind")
HELPERS = """import functools
REGISTRY = {}
def keeps(f):
    @functools.wraps(f)
    def w(v): return f(v) + 1
    return w
def scaled(k):
    def deco(f):
        def w(v): return f(v) * k
        return w
    return deco
def register(f):
    REGISTRY[f.__name__] = f
    return f
def value(x, v):
    if callable(x) and not isinstance(x, type): return x(v)
    if isinstance(x, type): return x().f(v)
    if isinstance(x, list): return len(x) + sum(y for y in x if isinstance(y, int))
    return x.f(v) if hasattr(x, 'f') else x
"""


@dataclass
class Program:
    """Cells, and the names that they have bound so far, by what they are."""

    cells: list[str] = field(default_factory=lambda: [HELPERS])
    names: dict[str, str] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[str]:
        return [name for name, kind in self.names.items() if not kinds or kind in kinds]


@st.composite
def programs(draw: st.DrawFn) -> Program:
    program = Program()
    for i in range(draw(st.integers(3, 9))):
        kind = draw(st.sampled_from(KINDS + DECORATED))
        add(draw, program, kind, f"n{i}")
    for _ in range(draw(st.integers(0, 3))):
        change(draw, program, draw(st.sampled_from(CHANGES)))
    used = draw(st.lists(st.sampled_from(program.of()), min_size=1, max_size=4))
    terms = ", ".join(f"value({name}, v)" for name in used)
    program.cells.append(f"def predict(v): return [{terms}, sorted(REGISTRY), sum(f(v) for f in REGISTRY.values())]")
    return program


def add(draw: st.DrawFn, program: Program, kind: str, name: str) -> None:
    number = draw(st.integers(1, 5))
    other = draw(st.sampled_from(program.of())) if program.names else None
    use = f"value({other}, v) + " if other else ""
    classes = program.of("class", "child")
    base = draw(st.sampled_from(classes)) if classes else "object"
    texts = {
        "number": f"{name} = {number}",
        "list": f"{name} = [{number}, {other or 0}]",
        "alias": f"{name} = {other or number}",
        "function": f"def {name}(v): return {use}{number}",
        "lambda": f"{name}, _ = (lambda v: {use}{number}), (lambda v: v)",
        "default": f"def {name}(v, k={other or number}): return value(k, v) + {number}",
        "closure": f"def make_{name}(k, j):\n    def f(v): return value(k, v) * j + {number}\n    return f\n"
        f"{name} = make_{name}({other or number}, {number})",
        "counter": f"def make_{name}(n):\n    def up():\n        nonlocal n\n        n += {number}\n    def get(v): return n\n"
        f"    return up, get\n{name}_up, {name} = make_{name}({number})\n{name}_up()",
        "class": f"class {name}:\n    k = {number}\n    def f(self, v): return {use}self.k",
        "child": f"class {name}({base}):\n    def f(self, v): return {use}{number}",
        "instance": f"{name} = {base}()\n{name}.f = {number} if {base} is object else {name}.f"
        if base == "object"
        else f"{name} = {base}()\n{name}.own = {number}",
        "wrapped": f"@keeps\n@scaled({number})\ndef {name}(v): return {use}v",
        "by_hand": f"def {name}(v): return {use}v\n{name} = scaled({number})({name})",
        "cached": f"@functools.lru_cache\ndef {name}(v): return {number} + v",
        "registered": f"@register\ndef {name}(v): return {use}{number}",
    }
    if kind == "instance" and base == "object":
        kind = "number"
    program.cells.append(texts[kind])
    program.names[name] = kind


def change(draw: st.DrawFn, program: Program, how: str) -> None:
    """What people do to names that others use already."""
    number = draw(st.integers(6, 9))
    wanted = {"append": ("list",), "attribute": ("class", "child"), "redefine": ("class", "function"), "rebind": ()}[
        how
    ]
    fitting = program.of(*wanted)
    if not fitting:
        return
    name = draw(st.sampled_from(fitting))
    again = {"class": f"class {name}:\n    k = {number}\n    def f(self, v): return -self.k"}
    texts = {
        "append": f"{name}.append({number})",
        "attribute": f"{name}.k = {number}",
        "redefine": again.get(program.names[name], f"def {name}(v): return {number} - v"),
        "rebind": f"{name} = {number}",
    }
    program.cells.append(texts[how])
    if how == "rebind":
        program.names[name] = "number"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(program=programs())
def test_a_generated_program_is_exact_or_refused(
    program: Program, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(tmp_path_factory.mktemp("program")) as notebook:
        try:
            notebook.run(*program.cells)
            expected = notebook.shell.user_ns["predict"](7)
        except Exception:  # noqa: BLE001 (a program that fails in its own notebook is no model)
            reject()
        assert outcome(notebook) in (expected, "refused"), "\n\n".join(program.cells)
    capsys.readouterr()


def outcome(notebook: Notebook) -> Any:
    """What the captured program answers, or that it was refused with advice."""
    try:
        return answer(notebook, 7)
    except CaptureRefused as refused:
        return "refused" if refused.fix and "need each other" not in refused.what else str(refused)
