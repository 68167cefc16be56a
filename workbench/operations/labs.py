"""`lab`: JupyterLab in a folder, with the notebooks that come with the installation, and the side panel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..bundle.storage import writing
from ..errors import UsageError
from .touring import carried

PANEL = "deployment-workbench-jupyterlab"


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that has ended, or with `--dry-run` would begin, and its folder."""

    folder: Path
    planned: bool = False

    def __str__(self) -> str:
        if not self.planned:
            return f"JupyterLab has ended; what runs goes on\n  next  workbench status · workbench lab {self.folder}"
        panel = "with the side panel" if has_panel() else f"without the side panel: pip install {PANEL}"
        return f"would open JupyterLab in {self.folder}, {panel}"

    __repr__ = __str__

    def to_json(self) -> dict[str, str | bool]:
        return {"folder": str(self.folder), "planned": self.planned}


def lab(home: Path, folder: str | None, *, dry_run: bool) -> Lab:
    """Open JupyterLab in `folder` until it ends; without one in `workbench-notebooks` here, where the notebooks of this
    installation are put unless they are there. NotFound; UsageError in a notebook."""
    if "ipykernel" in sys.modules:
        raise UsageError("this is a notebook already: JupyterLab is opened from a shell", fix="workbench lab")
    into = Path(folder or "workbench-notebooks").expanduser().absolute()
    if folder and not into.is_dir():
        raise UsageError(f"there is no folder {into}", fix="name one that is there, or none: workbench lab")
    if not dry_run:
        if not folder:
            _put(into)
        _begin(home, into)
    return Lab(into, planned=dry_run)


def has_panel() -> bool:
    """Whether the side panel is installed for this JupyterLab."""
    from jupyter_core.paths import jupyter_path

    return any(Path(path, PANEL).is_dir() for path in jupyter_path("labextensions"))


def _put(into: Path) -> None:
    """The notebooks of the installation, but for those that are there."""
    here = carried()
    with writing(into):
        for notebook in here.rglob("*.ipynb"):
            to = into / notebook.relative_to(here)
            if ".ipynb_checkpoints" not in notebook.parts and not to.exists():
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(notebook, to)


def _begin(home: Path, folder: Path) -> None:
    environment = os.environ | {"WORKBENCH_HOME": str(home)}
    command = [sys.executable, "-m", "jupyter", "lab", str(folder)]
    try:
        subprocess.run(command, env=environment, check=False)
    except KeyboardInterrupt:
        return
