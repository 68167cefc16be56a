"""A real JupyterLab with a notebook, in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat
from browser_parts import PICTURES, Page
from waiting import until

ROOT = Path(__file__).parents[1]
_TOKEN = "0123456789abcdef"
_OFFLINE = ("--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
_PANEL = "window.jupyterapp.shell.currentWidget"


class Lab:
    """A JupyterLab in `folder`, whose kernels have their Workbench in `folder/home`."""

    program, app, tree = "jupyterlab", "LabApp", "lab/tree"
    host, base = "127.0.0.1", "/"

    def __init__(self, url: str, folder: Path, page: Page) -> None:
        self.url, self.folder, self.page = url, folder, page

    def open(self, name: str, cells: list[str] | None = None) -> None:
        """Open a notebook; with cells it is written first."""
        if cells is not None:
            code = [nbformat.v4.new_code_cell(cell) for cell in cells]
            kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
            nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=kernel), self.folder / name)
        self.page.go(f"{self.url}/{self.tree}/{name}?token={_TOKEN}&reset")
        self.page.until("window.jupyterapp")
        self.page.run("window.jupyterapp.restored.then(() => window.jupyterapp.shell.collapseLeft())")
        self.at_rest()

    def at_rest(self) -> None:
        """Wait until the kernel does nothing: what it is sent before it has told of an error is aborted."""
        self.page.until(f"{_PANEL}?.sessionContext?.session?.kernel?.status === 'idle'")

    def run_all(self) -> None:
        """Run all cells, and wait until the last has ended."""
        self.page.run("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.idle()

    def run_above(self, number: int) -> None:
        """Run the cells before this one."""
        run = "window.jupyterapp.commands.execute('notebook:run-all-above')"
        self.page.run(f"{_PANEL}.content.activeCellIndex = {number}; {run}")

    def idle(self) -> None:
        """Wait until no cell runs or waits."""
        self.page.until(
            "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
            ".every(prompt => /^\\[\\d+\\]:$/.test(prompt.textContent))"
        )

    def save(self) -> None:
        """Save the notebook."""
        self.page.run(f"{_PANEL}.context.save()")

    def restart(self) -> None:
        """Restart the kernel, as its menu does."""
        self.page.run(f"{_PANEL}.sessionContext.session.kernel.restart()")

    def theme(self, name: str) -> None:
        """JupyterLab Light or JupyterLab Dark."""
        self.page.run(f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: {json.dumps(name)}}})")
        light = "true" if name.endswith("Light") else "false"
        self.page.until(f"document.body.dataset.jpThemeLight === '{light}'")
        self.page.until("!document.getElementById('jupyterlab-splash')")

    def picture(self, name: str, card: str) -> None:
        """A card as it is drawn, kept where WORKBENCH_PICTURES says; nothing without it."""
        if PICTURES:
            place = f"document.querySelector('[data-card^={json.dumps(card)}]')"
            self.page.run(f"{place}.scrollIntoView({{block: 'center'}})")
            box = self.page.run(
                f"(r => ({{x: r.x, y: r.y, width: r.width, height: r.height}}))({place}.getBoundingClientRect())"
            )
            self.page.picture(name, {**box, "scale": 2})

    def looked_at(self, name: str, card: str) -> None:
        """A card in light, dark and narrow: it fits into its window, and keeps nobody out."""
        place = f"document.querySelector('[data-card^={json.dumps(card)}]')"
        for theme in ("Dark", "Light"):
            self.theme(f"JupyterLab {theme}")
            self.picture(f"{name}-{theme.lower()}", card)
            assert not self.page.barriers(place)
        self.page.looks(400)
        self.page.until(f"{place}.scrollWidth <= {place}.clientWidth")
        self.picture(f"{name}-narrow", card)
        self.page.looks(1200)

    @property
    def elsewhere(self) -> list[str]:
        """The addresses outside this machine that were asked for."""
        own = ("http://127.0.0.1", "http://localhost", "ws://127.0.0.1", f"http://{self.host}:", "data:", "blob:")
        return [url for url in self.page.requests if not url.startswith(own)]


class Notebook7(Lab):
    """Notebook 7, which shows one notebook a page."""

    program, app, tree = "notebook", "JupyterNotebookApp", "notebooks"


@contextmanager
def lab(folder: Path, page: Page, kind: type[Lab] = Lab, path: Path | None = None) -> Iterator[Lab]:
    """A JupyterLab, or a Notebook 7, of its own, with the extensions below `path`; it ends with the block."""
    runtime = folder / "jupyter"
    places = {f"JUPYTER_{kind}_DIR": str(runtime / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    environment = {
        **os.environ,
        **places,
        **({"JUPYTER_PATH": str(path)} if path else {}),
        "WORKBENCH_HOME": str(folder / "home"),
        "IPYTHONDIR": str(runtime / "ipython"),
    }
    how = (
        "--no-browser",
        f"--{kind.app}.expose_app_in_browser=True",
        "--ServerApp.port=0",
        f"--ServerApp.base_url={kind.base}",
        f"--ServerApp.allow_remote_access={kind.host != Lab.host}",
        f"--IdentityProvider.token={_TOKEN}",
        *_OFFLINE,
    )
    command = [sys.executable, "-m", kind.program, *how, "--allow-root", str(folder)]
    if path:
        shutil.copytree(ROOT / "jupyter-config", runtime / "config")
    settings = runtime / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    log = (folder / "lab.log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        told = until(lambda: _told(runtime / "runtime"), f"{kind.program} has not started: {folder}/lab.log")
        yield kind(f"http://{kind.host}:{told['port']}{kind.base.rstrip('/')}", folder, page)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        log.close()


def _told(runtime: Path) -> dict[str, Any] | None:
    """What the server says of itself, once it does."""
    for file in runtime.glob("jpserver-*.json"):
        with suppress(ValueError):
            return json.loads(file.read_text())  # type: ignore[no-any-return]
    return None
