"""A run of a notebook, or a sweep -> the same as runs of MLflow; where that cannot be reached it goes on without."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import journal
from ..patterns.batch.results import rows_of

if TYPE_CHECKING:
    from ..monitoring.mlflow_runs import Logged

Work = Callable[..., Any]


def kept(work: Work, address: str, name: str, spec: dict[str, Any]) -> Work:
    """The work, which MLflow keeps as a run: what the notebook itself logs goes into that one."""
    begin = partial(_begun, address, Path(spec["notebook"]), name)
    return partial(_swept if spec["what"] == "sweep" else _run, begin, spec, work)


def _begun(address: str, notebook: Path, name: str, parameters: dict[str, Any]) -> Logged | None:
    from ..monitoring.mlflow_runs import Logged

    try:
        return Logged(address, notebook, name, parameters)
    except Exception as error:  # noqa: BLE001 whatever MLflow raises, the notebook is what was asked for
        journal.note(f"MLflow at {address} keeps no record of this run: {error}")
        return None


def _run(begin: Callable[..., Logged | None], spec: dict[str, Any], work: Work, **more: Any) -> Any:
    if (logged := begin(spec["parameters"])) is None:
        return work(**more)
    os.environ.update(logged.environment)
    state, facts = "failed", dict[str, Any]()
    try:
        result = work(**more)
        state, facts = result.state, result.to_json()
        return result
    finally:
        with suppress(Exception):
            logged.end(state, figures(facts), files(facts))


def _swept(begin: Callable[..., Logged | None], spec: dict[str, Any], work: Work, **more: Any) -> Any:
    """A run for the sweep, and one below it for each of its points."""
    if (logged := begin({})) is None:
        return work(**more)
    state, points, report = "failed", list[dict[str, Any]](), list[str]()
    try:
        result = work(**more)
        state, points, report = result.state, result.points, [str(file) for file in result.report]
        return result
    finally:
        with suppress(Exception):
            for number, point in enumerate(points, 1):
                if point["state"] in ("done", "failed"):
                    logged.below(number, point["parameters"]).end(point["state"], figures(point), files(point))
            logged.end(state, {"points": float(len(points))}, report)


def figures(facts: dict[str, Any]) -> dict[str, float]:
    """What is a number of what came of a run: its seconds, its cells, and those that it handed back."""
    taken = {name: float(facts[name]) for name in ("seconds", "cells") if facts.get(name) is not None}
    handed = dict(rows_of(facts.get("results") or {}))
    return taken | {name: float(value) for name, value in handed.items() if isinstance(value, (int, float))}


def files(facts: dict[str, Any]) -> list[str]:
    """What came of a run as files: the executed notebook, its page, the frames and figures that it handed back."""
    return [file for file in _files(facts) if file and os.path.isfile(file)]


def _files(facts: dict[str, Any]) -> Iterator[str]:
    yield from (str(facts.get(name) or "") for name in ("output", "page"))
    for result in (facts.get("results") or {}).values():
        if "file" in result and facts.get("kept"):
            yield os.path.join(facts["kept"], result["file"])
