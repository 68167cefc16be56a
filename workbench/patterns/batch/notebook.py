"""A notebook and parameters -> the executed notebook, through papermill; what became of it is told by this, not by
papermill's own record, which calls cells completed that a dead kernel never ran."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...bundle.storage import writing
from ...errors import UsageError
from ..control import Control, Foreground
from . import page as pages
from . import parameters as tagged
from . import results
from .execution import Execution, with_parameters
from .hiding import Hiding
from .kernel import Kernel
from .outcome import ANY_TIME, Held, NotebookRun, Page, Times


def run_notebook(
    notebook: Path,
    output: Path,
    parameters: dict[str, Any],
    *,
    control: Control | None = None,
    given: Path | None = None,
    times: Times = ANY_TIME,
    scratch: Path | None = None,
    start: Callable[[], Kernel] | None = None,
    held: Held | None = None,
    hold: bool = False,
    keep: Path | None = None,
    page: Page | None = None,
) -> NotebookRun:
    """Run a notebook in a kernel of this interpreter, in its own folder; the executed one is `output`, which holds
    what is done so far from the first cell on.

    `given` is a copy of the notebook, whose cells are run in its place. `scratch` is a folder for what is written
    meanwhile. `start` gives the kernel, where one was started ahead; `held` is what an earlier run has left, to go on
    in where its cells are still the same, and with `hold` this one leaves it where a cell raises. `keep` is the folder
    for the files that cells hand back; `page` is made where it ends well.
    UsageError for parameters that do not fit, before a kernel starts. A cell that fails, a kernel that dies and a time
    that is up are no errors but the state `failed`.
    """
    check(notebook, output, times, given)
    values = tagged.check(given or notebook, parameters)
    hiding, (content, injected) = Hiding(values), with_parameters(given or notebook, values)
    note, held = _goes_on(held, content.cells)
    kernel = held.kernel if held else start() if start else Kernel(notebook.parent, scratch)
    try:
        with writing(output.parent), tempfile.TemporaryDirectory(dir=scratch) as place:
            output.parent.mkdir(parents=True, exist_ok=True)
            before = held.cells if held else []
            execution = Execution(content, injected, output, control or Foreground(), kernel, hiding, before)
            found = execution.run(Path(place), times, {"input_path": str(notebook), "output_path": str(output)})
        handed = results.kept(kernel.results, keep, hiding, add=held is not None)
        found = replace(found, results=handed, kept=str(keep) if handed and keep else "", note=note)
        if page and found.state == "done":
            pages.write(output, page.file, code=page.code)
            found = replace(found, page=str(page.file))
        hold = hold and found.held is not None
        return found if hold else replace(found, held=None)
    except BaseException:
        hold = False
        raise
    finally:
        if not hold:
            kernel.end()


def _goes_on(held: Held | None, cells: list[Any]) -> tuple[str, Held | None]:
    """Whether it goes on in the kernel of an earlier run, and what to say of that."""
    if held is None:
        return "", None
    if held.fits(cells):
        return f"went on in its kernel, after {len(held.cells)} cells that had run", held
    held.kernel.end()
    return "ran again from its first cell, in a new kernel: what had run before was changed", None


def check(notebook: Path, output: Path | None, times: Times, given: Path | None = None) -> None:
    """UsageError for an output or a time that cannot be, and for a notebook of another language; BadInput for none."""
    if output and os.path.realpath(output) == os.path.realpath(notebook):
        raise UsageError(f"the output is the notebook itself, {notebook}", fix="name another output")
    if output and output.is_dir():
        raise UsageError(f"the output {output} is a folder", fix=f"name a file: {output / notebook.name}")
    times.check()
    metadata = tagged.content(given or notebook).get("metadata", {})
    language = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name")
    if language and language.lower() not in ("python", "ipython"):
        raise UsageError(f"{notebook.name} is a notebook of {language}, not of Python", fix="run it with its own tools")
