"""Every error that Workbench raises on purpose names the next step."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import workbench
from workbench import errors

ROOT = Path(workbench.__file__).parent
KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}

# What has no next step, by file and function, and why.
EXCEPTIONS = {
    ("bundle/layout.py", "read_manifest"): "to be emptied",
    ("bundle/load.py", "_import"): "to be emptied",
    ("bundle/load.py", "_failed"): "to be emptied",
    ("bundle/registry.py", "_renamed"): "to be emptied",
}


class Calls(ast.NodeVisitor):
    """The calls of error classes without `fix`, or with one that may be None, by function."""

    def __init__(self) -> None:
        self.inside, self.found = ["the module"], list[tuple[str, int]]()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.inside.append(node.name)
        self.generic_visit(node)
        self.inside.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 (named by ast)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called in KINDS and not any(k.arg is None or (k.arg == "fix" and says(k.value)) for k in node.keywords):
            self.found.append((self.inside[-1], node.lineno))
        self.generic_visit(node)


def says(fix: ast.expr) -> bool:
    """Whether it is text whatever happens, as far as its expression shows."""
    if isinstance(fix, ast.IfExp):
        return says(fix.body) and says(fix.orelse)
    return not isinstance(fix, ast.Constant) or bool(fix.value)


def silent(source: str) -> list[tuple[str, int]]:
    calls = Calls()
    calls.visit(ast.parse(source))
    return calls.found


def files() -> list[str]:
    return [file.relative_to(ROOT).as_posix() for file in sorted(ROOT.rglob("*.py"))]


@pytest.mark.parametrize("file", files())
def test_every_error_names_the_next_step(file: str) -> None:
    found = silent((ROOT / file).read_text(encoding="utf-8"))
    lines = [f"{file}:{line}, in {function}" for function, line in found if (file, function) not in EXCEPTIONS]
    assert not lines, f"give a next step, fix=, in {lines}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f():\n    raise NotFound('no')", [("f", 2)]),
        ("async def f():\n    return errors.BadInput('no', fix=None)", [("f", 2)]),
        ("raise UsageError('no', fix='do' if near else '')", [("the module", 1)]),
        ("raise UsageError('no', fix=near or 'do')", []),
        ("raise ValueError('no')", []),
    ],
)
def test_what_is_found(source: str, found: list[tuple[str, int]]) -> None:
    assert silent(source) == found
