"""Models for the tests of bundles: a cell's text and an example -> a captured, written, proven bundle."""

from __future__ import annotations

import itertools
import linecache
from pathlib import Path
from typing import Any

from workbench.bundle.register import register
from workbench.bundle.registry import Registry
from workbench.bundle.version import ModelVersion
from workbench.bundle.witness import Witness, witness
from workbench.bundle.write import Request, write
from workbench.capture.capture import capture, entry_kind
from workbench.capture.captured import Cell, Session
from workbench.inference.predictor import Predictor, entry_function
from workbench.inference.schema import Schema

_numbers = itertools.count(1)


def notebook(*cells: str, **names: Any) -> Session:
    """The session of a notebook that has run these cells, and holds `names` beside."""
    namespace: dict[str, Any] = {"__name__": "__main__", **names}
    return Session(namespace, tuple(_run(text, namespace) for text in cells))


def _run(text: str, namespace: dict[str, Any]) -> Cell:
    number = next(_numbers)
    file = f"<cell {number}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec", dont_inherit=True), namespace)
    return Cell(number, text)


def seen(session: Session, example: Any, entry: str = "predict", name: str = "churn") -> Witness:
    function = entry_function(session.namespace[entry], entry_kind(session.namespace[entry]))
    return witness(Predictor(function, Schema.infer(example), name=name), example)


def written(place: Path, session: Session, example: Any, request: Request | None = None) -> tuple[Path, Witness]:
    """A bundle that is not proven yet, and what the kernel answered."""
    saw = seen(session, example)
    folder = place / "bundle"
    write(folder, capture("predict", session, place / "taken"), saw, request or Request("churn"))
    return folder, saw


def stored(place: Path, session: Session, example: Any, entry: str = "predict", **request: Any) -> ModelVersion:
    """A version in the registry `place / "models"`."""
    return register(entry, session, example, Registry(place / "models"), Request("churn", **request))
