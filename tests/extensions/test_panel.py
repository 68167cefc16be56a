"""The side panel in a real JupyterLab: a cell is captured, served, stopped; a notebook that fails says so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser_parts import HUB, browser, needs_chromium
from lab_parts import Lab, lab
from panel_lab import built
from waiting import until

from workbench.api import Workbench

pytestmark = [needs_chromium, pytest.mark.slow]

DATA = "import pandas as pd\nX = pd.DataFrame({'age': [21.0, 40.0, 63.0], 'plan': ['a', 'b', 'a']})"
CELL = "def predict(df):\n    return (df['age'] > 30) & (df['plan'] == 'a')"


def notebook(path: Path, *cells: str) -> None:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells], metadata=kernel), path)


class Used(Lab):
    """JupyterLab as somebody uses it who has the panel, on a hub: what runs is on another machine than the browser."""

    api: Workbench
    host, base = HUB, "/user/me/"

    @property
    def proxy(self) -> str:
        """Where the Jupyter server shows what runs on its machine."""
        return f"{self.url}/proxy/"

    def do(self, command: str, **options: Any) -> None:
        """A command, as a menu runs it; it may wait for a dialog, so that nobody waits for it here."""
        self.page.run(f"void window.jupyterapp.commands.execute({json.dumps(command)}, {json.dumps(options)})")

    def show(self, name: str) -> None:
        """Open a notebook beside the others, and wait for its kernel."""
        self.do("docmanager:open", path=name)
        self.page.until(f"window.jupyterapp.shell.currentWidget?.context?.path === {json.dumps(name)}")
        self.page.run("window.jupyterapp.shell.currentWidget.context.sessionContext.ready")
        self.page.until("window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'")

    def fill(self, **fields: str) -> None:
        """The fields of the dialog that is open; then its button."""
        self.page.until("document.querySelector('.jp-Dialog .wb-Form')")
        for name, value in fields.items():
            self.page.run(f"document.querySelector('.wb-Form [name={name}]').value = {json.dumps(value)}")
        self.page.click("document.querySelector('.jp-Dialog .jp-mod-accept')")

    def says(self, *words: str) -> None:
        """Wait until the panel says all of this."""
        self.page.until(
            f"{json.dumps(words)}.every(word => document.querySelector('#workbench-panel').innerText.includes(word))"
        )

    def row(self, name: str) -> None:
        """Open the row of something."""
        key = f"#workbench-panel summary[data-key={json.dumps(name)}]"
        self.page.until(f"(row => row.closest('details').open || (row.click(), true))(document.querySelector('{key}'))")

    def press(self, label: str) -> None:
        """Press a button of the panel, by what a screen reader says."""
        place = f"#workbench-panel button[aria-label={json.dumps(label)}]"
        self.page.click(f"document.querySelector('{place}')")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Used]:
    folder = tmp_path_factory.mktemp("lab")
    try:
        path = built()
    except subprocess.CalledProcessError as error:
        pytest.fail(error.stderr)
    with browser(tmp_path_factory.mktemp("chromium")) as page, lab(folder, page, Used, path) as one:
        one.api = Workbench(folder / "home")
        notebook(folder / "model.ipynb", DATA, CELL)
        notebook(folder / "broken.ipynb", "ages = {}", "ages['ada']")
        page.looks(1400)
        one.open("model.ipynb")
        one.do("workbench:show")
        page.until("document.querySelector('#workbench-panel')?.checkVisibility()")
        yield one
        one.api.shutdown(all=True)


def test_a_cell_is_captured_by_a_right_click_and_served_and_stopped_from_the_panel(opened: Used) -> None:
    page, api = opened.page, opened.api
    opened.run_all()
    page.mouse("document.querySelectorAll('.jp-CodeCell')[1].querySelector('.jp-InputPrompt')", "right")
    page.mouse("[...document.querySelectorAll('.lm-Menu-item')].find(e => e.innerText.includes('Capture as model…'))")
    assert not page.barriers("document.querySelector('.jp-Dialog')")
    opened.fill(name="churn", example="X")
    until(lambda: api.registry.names() == ["churn"], "the cell is captured")
    assert page.run("window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.getSource()") == (
        f"%%model churn --example X\n{CELL}"
    )
    opened.row("churn")
    opened.press("serve churn@1")
    opened.row("service/churn")
    until(lambda: api.deployments() and api.deployments()[0].state == "ready", "it is served")
    opened.says("ready", opened.proxy)
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        opened.theme(theme)
        page.picture(f"panel-{theme.split()[1].lower()}")
        assert not page.barriers("document.querySelector('#workbench-panel')")
    opened.press("open service/churn")
    page.tab(f"{opened.proxy}{api.deployments()[0].facts['port']}/", "churn")
    opened.press("log service/churn")
    page.until("document.querySelector('.wb-Log')")
    opened.press("stop service/churn")
    until(lambda: api.deployments()[0].state == "stopped", "it is stopped")
    opened.says("stopped")


def test_a_notebook_that_fails_says_so_and_shows_the_cell(opened: Used) -> None:
    opened.show("broken.ipynb")
    opened.do("workbench:batch-this")
    opened.fill()
    opened.page.until("document.body.innerText.includes('KeyError')")
    opened.row("run/1")
    opened.says("failed", "'ada'")
    opened.page.picture("failed")


def test_a_notebook_is_shared_by_a_link(opened: Used) -> None:
    opened.show("model.ipynb")
    opened.do("workbench:share-this")
    opened.fill(guest="2h")
    opened.page.until("document.querySelector('.jp-Dialog a[href*=\"ticket=\"]')")
    opened.page.mouse("document.querySelector('.jp-Dialog a[href*=\"ticket=\"]')")
    opened.page.tab(opened.proxy)
    opened.page.click("document.querySelector('.jp-Dialog .jp-mod-reject')")
    opened.says("app/model")


def test_after_the_page_is_loaded_again_all_is_there(opened: Used) -> None:
    opened.page.run("window.before = true")
    opened.page.do("Page.reload")
    opened.page.until("!window.before && window.jupyterapp && document.querySelector('#workbench-panel')")
    opened.do("workbench:show")
    opened.says("service/churn", "run/1")


def test_the_menus_have_their_lines(opened: Used) -> None:
    page = opened.page
    opened.do("filebrowser:activate")
    page.until("document.querySelector('.jp-DirListing-item[data-file-type=notebook]')?.checkVisibility()")
    page.run(
        "document.querySelector('.jp-DirListing-item[data-file-type=notebook]').dispatchEvent("
        "new MouseEvent('contextmenu', {bubbles: true, clientX: 40, clientY: 200}))"
    )
    for line in ("Run as batch…", "Schedule…", "Share as app…"):
        page.until(f"document.querySelector('.lm-Menu').innerText.includes('{line}')")


def test_only_this_host_was_asked(opened: Used) -> None:
    assert not opened.elsewhere
