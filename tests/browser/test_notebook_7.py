"""The same in Notebook 7: cards, a form, and of the side panel's package what has its place there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser_parts import browser, needs_chromium
from lab_parts import Lab, Notebook7, lab
from panel_lab import built

from workbench.api import Workbench

DATA = """%load_ext workbench
import workbench, pandas as pd
X = pd.DataFrame({"age": [float(n % 60) for n in range(200)], "calls": [n % 9 for n in range(200)]})"""
MODEL = "def predict(frame):\n    return frame['age'] / 100 + frame['calls']"
CARD = "document.querySelector('[data-card=\"service/churn\"]')"

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder, path = tmp_path_factory.mktemp("notebook"), built()
    with browser(tmp_path_factory.mktemp("chromium")) as page, lab(folder, page, Notebook7, path) as found:
        page.looks(1200)
        found.open(
            "churn.ipynb", [DATA, f"%%model churn --example X\n{MODEL}", "%serve churn", "workbench.form('churn')"]
        )
        found.run_all()
        yield found
        Workbench(folder / "home").shutdown(all=True)


def test_cards_are_live(noted: Lab) -> None:
    noted.page.until(f"{CARD}?.matches('.wb-live') && {CARD}.querySelector('.wb-ready')")
    noted.page.until(f"{CARD}?.querySelector('[data-do=stop]')")
    noted.picture("notebook7", "service/")
    noted.page.click(f"{CARD}.querySelector('[data-do=stop]')")
    noted.page.until(f"{CARD}.querySelector('.wb-state').textContent === 'stopped'")
    assert Workbench(noted.folder / "home").status("service/churn").state == "stopped"


def test_a_form_predicts(noted: Lab) -> None:
    form = "document.querySelector('[data-card^=\"form/churn\"]')"
    noted.page.until(f"{form}?.matches('.wb-live')")
    slider = f"{form}.querySelectorAll('input[type=range]')[1]"
    noted.page.run(f"{slider}.value = 7; {slider}.dispatchEvent(new Event('input', {{bubbles: true}}))")
    noted.page.until(f"{form}.querySelector('.wb-out dd').textContent.startsWith('7')")


def test_the_panel_and_the_menu_are_there(noted: Lab) -> None:
    page = noted.page
    page.run("void window.jupyterapp.commands.execute('workbench:show')")
    page.until("document.querySelector('#workbench-panel')?.checkVisibility()")
    page.until("document.querySelector('#workbench-panel').innerText.includes('service/churn')")
    page.mouse("document.querySelectorAll('.jp-CodeCell')[1].querySelector('.jp-InputPrompt')", "right")
    page.until("document.querySelector('.lm-Menu')?.innerText.includes('Capture as model…')")
    page.key("Escape")
    page.picture("notebook7-panel")
    assert not noted.elsewhere
