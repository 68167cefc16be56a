"""The cell under `%%model`: it is run, and what it defines as the model is found."""

from __future__ import annotations

import ast
import asyncio
from typing import TYPE_CHECKING, Any

from ..capture.captured import predicts
from ..errors import CaptureRefused, UsageError
from . import session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from IPython.core.interactiveshell import InteractiveShell

_NAMES = ("predict", "Model")


def run(shell: InteractiveShell, body: str) -> Any:
    """Run a cell as the notebook would, and give the value of its last expression.

    What it raises is shown as always; then a CaptureRefused says that nothing was captured.
    """
    _refuse_await(shell, body)
    result: Any = shell.run_cell(body, store_history=False)  # type: ignore[no-untyped-call, unused-ignore]
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        said = ": ".join(filter(None, [type(error).__name__, str(error).split("\n")[0]]))
        raise CaptureRefused(f"the cell failed, so nothing was captured: {said}", fix="mend the cell and run it again")
    return result.result


def _refuse_await(shell: InteractiveShell, body: str) -> None:
    """A kernel runs its cells in an event loop, which cannot be entered again below a magic."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    if shell.should_run_async(body, transformed_cell=session.python_text(shell, body)):
        raise UsageError(
            "a cell under a magic cannot await outside a function", fix="await in a cell of its own before it"
        )


def entry(shell: InteractiveShell, body: str, last: Any) -> Any:
    """The model that a cell defines: `predict`, else the class `Model`, else its last expression."""
    bound = _bound(session.python_text(shell, body))
    for name in _NAMES:
        if name in bound and name in shell.user_ns:
            return shell.user_ns[name]
    if callable(last) or predicts(last):
        return last
    functions = [name for name in bound if callable(shell.user_ns.get(name))]
    rename = f"rename {functions[-1]} to predict, or end the cell with {functions[-1]}" if functions else ""
    raise UsageError(
        "the cell defines no model: neither predict(frame), nor a class Model, nor an estimator as its last line",
        fix=rename or "define predict(frame) in it, or name the object: %%model NAME OBJECT --example FRAME",
    )


def entry_of(namespace: Mapping[str, Any], caller: str) -> Any:
    """The model of a notebook where neither a cell nor an object was named."""
    for name in _NAMES:
        if name in namespace:
            return namespace[name]
    raise UsageError(
        "this notebook defines neither predict nor a class Model",
        fix=f"name the object: {caller} NAME OBJECT --example FRAME",
    )


def _bound(text: str) -> list[str]:
    """The names that a cell's own statements bind, in their order."""
    bound: list[str] = []
    for node in _statements(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound += [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.append(node.id)
    return bound


def _statements(tree: ast.AST) -> list[ast.AST]:
    """All nodes of a cell's own scope: not those inside its functions and classes."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(tree):
        found.append(child)
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            found += _statements(child)
    return found
