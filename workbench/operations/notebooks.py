"""A notebook, parameters and perhaps a sweep of them -> what should run, checked before anything starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, UsageError
from . import starting
from .deploy import Spec, Wanted, notebook_file

if TYPE_CHECKING:
    from ..patterns.batch.outcome import Times
    from .starting import Cycle

_AT_ONCE = 4
HOLD = 600
"""The seconds for which a run that failed waits with its kernel; on a cycle nobody is there to go on."""


@dataclass(frozen=True)
class Swept:
    """What a sweep was asked for with."""

    sweep: dict[str, Any] | None = None
    points: Any = None
    samples: int | None = None
    at_once: int | None = None
    best: str | None = None

    @property
    def any(self) -> bool:
        return bool(self.sweep) or self.points is not None


@dataclass(frozen=True)
class Manner:
    """How a notebook is run: in which kernel and folder, with the variables of which file, how often it is tried again;
    how long its kernel is held where it fails; whether a page of it shows code."""

    kernel: str | None = None
    folder: str | None = None
    env_file: str | None = None
    retries: int | None = None
    hold: int | None = None
    no_code: bool = False

    @property
    def where(self) -> Spec:
        """In which kernel and folder it runs, where that is said. NotFound, UsageError."""
        from ..patterns.batch.kernel import installed

        if self.kernel is not None:
            installed(self.kernel)
        place = os.path.abspath(os.path.expanduser(self.folder)) if self.folder is not None else None
        if place is not None and not os.path.isdir(place):
            raise NotFound(f"there is no folder {place}", fix="mkdir it, or leave --folder out: it runs in its own")
        return {name: value for name, value in {"kernel": self.kernel, "folder": place}.items() if value is not None}


def wanted(
    notebook: str,
    output: str | None,
    parameters: dict[str, Any],
    times: Times,
    swept: Swept,
    cycle: Cycle | None,
    how: Manner,
) -> Wanted:
    """A notebook that is run, once or at each point of a sweep; an output that ends in .html is a page of it."""
    from ..patterns.batch.hiding import refuse_bare
    from ..patterns.batch.notebook import check as check_run
    from ..patterns.batch.parameters import check, portable

    path = notebook_file(notebook)
    if cycle and cycle.file:
        starting.check_parameter(path, parameters)
    to = _executed(path, output, many=swept.any) if output else None
    page = to if to and to.suffix == ".html" else None
    starting.refuse_idle("a page, -o FILE.html", page is not None, no_code=how.no_code)
    check_run(path, None if swept.any or page else to, times)
    given = portable(check(path, parameters))
    more = _sweep(path, parameters, swept) if swept.any else {}
    with starting.variables(how.env_file):
        for point in more.get("points", [given]):
            refuse_bare(point)
        more |= how.where | ({"retries": how.retries} if how.retries else {})
    spec: Spec = {"what": "notebook", "notebook": str(path), "output": str(to) if to else None, "parameters": given}
    if page:
        spec |= {"output": None, "page": {"file": str(page), "code": not how.no_code}}
    starting.refuse_idle("a run of one notebook, no sweep", not swept.any, hold=how.hold)
    spec["hold"] = how.hold if how.hold is not None else 0 if cycle or swept.any else HOLD
    return Wanted({**spec, "timeout": times.cell, "limit": times.run, **more}, path.stem)


def _sweep(path: Path, fixed: dict[str, Any], swept: Swept) -> Spec:
    from ..patterns.batch import comparison
    from ..patterns.batch.parameters import portable
    from ..patterns.batch.points import points, read_table

    table = read_table(swept.points) if swept.points is not None else None
    found = points(path, swept.sweep or {}, table, fixed, swept.samples)
    if swept.best:
        comparison.wanted(swept.best)
    at_once = swept.at_once or min(os.cpu_count() or 1, _AT_ONCE)
    return {"what": "sweep", "points": [portable(point) for point in found], "at_once": at_once, "best": swept.best}


def _executed(notebook: Path, output: str, *, many: bool) -> Path:
    """The file of the executed notebook; in a folder it keeps its name. Of a sweep the folder."""
    if "://" in output:
        raise UsageError(f"{output}: an executed notebook is a file", fix=f"-o {notebook.stem}-run.ipynb")
    path = Path(output).expanduser().absolute()
    if many:
        if path.suffix or path.is_file():
            raise UsageError(f"{output}: the runs of a sweep go into a folder", fix=f"-o {path.with_suffix('')}")
        return path
    return path / notebook.name if output.endswith(os.sep) or path.is_dir() else path
