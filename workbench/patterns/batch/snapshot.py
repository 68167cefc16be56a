"""A notebook that is run -> a copy of it as it was then, which a run that is run again is given."""

from __future__ import annotations

import shutil
from pathlib import Path

from ...bundle.storage import writing
from . import parameters

_FOLDER = "given"


def kept(folder: Path) -> Path | None:
    """The copy in a run's folder, if it has one."""
    return next((file for file in (folder / _FOLDER).glob("*.ipynb")), None)


def keep(notebook: Path, folder: Path) -> Path:
    """Copy a notebook into a run's folder; the copy. NotFound, BadInput for what is no notebook."""
    parameters.content(notebook)
    copy = folder / _FOLDER / notebook.name
    with writing(folder):
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(notebook, copy)
    return copy
