"""Forms, the dashboard and progress in a real JupyterLab."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from browser_parts import needs_chromium
from lab_parts import Lab

from workbench.api import Workbench

DATA = """%load_ext workbench
import workbench, numpy as np, pandas as pd
rng = np.random.default_rng(0)
X = pd.DataFrame({"age": rng.normal(40, 9, 300).round(1), "calls": rng.integers(0, 9, 300),
                  "plan": pd.Categorical(rng.choice(["basic", "plus", "pro"], 300)), "vip": rng.random(300) > .5,
                  "city": rng.choice(["Köln", "Ulm", "Bonn"], 300)})"""
PATIENT = "from workbench.cards import reasons\nreasons.PATIENCE = 60  # a form of a busy machine waits to be asked"
MODEL = """%%model risk --example X -m "for the form"
def predict(frame):
    return frame["age"] / 100 + frame["calls"] + 10 * (frame["plan"] == "pro")"""
SLOW = """%%model slow --example X.head(20)
import time
def predict(frame):
    time.sleep(1.5 if len(frame) > 5000 else 0)
    return frame["age"]"""
LONG = "pd.concat([X] * 1000).to_parquet('long.parquet', row_group_size=10_000)\n%predict slow long.parquet -o scored.parquet"

OTHERS = ["%workbench advise risk", "%batch retrain.ipynb --every 'monday 6:00'", "%batch broken.ipynb"]

HELD = """%%model held --example X.head(20)
import time
def predict(frame):
    time.sleep(120)
    return frame["age"]"""


def card(name: str) -> str:
    return f"document.querySelector('[data-card^=\"{name}\"]')"


@pytest.fixture(scope="module")
def noted(jupyter: Lab) -> Lab:
    """A notebook with a form of a model, one of a notebook, and the dashboard."""
    cell = nbformat.v4.new_code_cell("month = 1  # of 2013\nquick = True", metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), jupyter.folder / "retrain.ipynb")
    broken = nbformat.v4.new_code_cell("ages = {'ada': 36}\nages['grace']")
    nbformat.write(nbformat.v4.new_notebook(cells=[broken]), jupyter.folder / "broken.ipynb")
    cells = [
        f"{DATA}\n{PATIENT}",
        MODEL,
        "workbench.form('risk')",
        "workbench.form('retrain.ipynb')",
        "%workbench dashboard",
        *OTHERS,
    ]
    jupyter.open("forms.ipynb", cells)
    jupyter.run_all()
    return jupyter


@needs_chromium
def test_it_predicts_while_a_slider_moves(noted: Lab) -> None:
    form, page = card("form/risk@1"), noted.page
    page.until(f"{form}.matches('.wb-live')")
    said = f"{form}.querySelector('.wb-out dd').textContent"
    slider = f"{form}.querySelectorAll('input[type=range]')[1]"
    for value in (0, 3, 8):
        page.run(f"{slider}.value = {value}; {slider}.dispatchEvent(new Event('input', {{bubbles: true}}))")
    page.until(f"{form}.querySelector('input[name=calls]').value === '8'")
    page.until(f"{said}.startsWith('8.') || {said}.startsWith('18.')")
    plan = f"{form}.querySelector('select[name=plan]')"
    page.run(f"{plan}.value = '\"pro\"'; {plan}.dispatchEvent(new Event('input', {{bubbles: true}}))")
    page.until(f"{said}.startsWith('18.')")
    page.until(f"{form}.querySelector('.wb-curve path').getAttribute('d').length > 20")
    page.until(f"{form}.querySelector('.wb-reasons')?.innerText.includes('plan = pro')")
    noted.looked_at("form", "form/risk@1")
    assert not noted.elsewhere


@needs_chromium
def test_a_form_is_filled_without_a_mouse(noted: Lab) -> None:
    form, page = card("form/risk@1"), noted.page
    page.run(f"{form}.querySelector('input[type=range]').focus()")
    names = []
    for _ in range(12):
        page.key("Tab")
        if not page.run(f"{form}.contains(document.activeElement)"):
            break
        names.append(page.run("document.activeElement.name || document.activeElement.getAttribute('aria-label')"))
    assert [name for name in names if name] == ["age", "calls", "calls", "plan", "vip", "city"]
    page.run(f"{form}.querySelectorAll('input[type=range]')[1].focus()")
    before = int(page.run("document.activeElement.value"))
    page.key("ArrowLeft")
    page.until(f"{form}.querySelector('input[name=calls]').value === '{before - 1}'")
    page.until(f"{form}.querySelector('.wb-out dd').textContent.startsWith('{before + 9}.')")


@needs_chromium
def test_advice_is_found_by_keys(noted: Lab) -> None:
    form, page = card("advise/risk"), noted.page
    page.until(f"{form}.matches('.wb-live')")
    page.until(f"!{form}.querySelector('.wb-still').checkVisibility()")
    for question in range(5):
        page.run(f"{form}.querySelectorAll('fieldset')[{question}].querySelector('input').focus()")
        page.key(" ")
    page.until(f"{form}.querySelector('.wb-answer').innerText.includes('offline fits')")
    page.key("ArrowDown")
    page.run(f"{form}.querySelector('fieldset input').focus()")
    page.key("ArrowDown")
    page.key("ArrowDown")
    page.until(f"{form}.querySelector('.wb-answer').innerText.includes('%serve risk')")
    noted.looked_at("advise", "advise/risk")


@needs_chromium
def test_a_run_that_failed_and_a_schedule_keep_nobody_out(noted: Lab) -> None:
    page = noted.page
    page.until(card("run/"))
    page.run(f"{card('run/')}.scrollIntoView({{block: 'center'}})")
    page.until(f"{card('run/')}?.querySelector('.wb-failed')")
    page.until(f"{card('run/')}.querySelector('[data-do=resume]')")
    page.until(f"{card('run/')}.innerText.includes(\"ages['grace']\")")
    noted.looked_at("failed", "run/")
    page.until(f"{card('schedule/')}?.querySelector('[data-do=pause]')")
    noted.looked_at("schedule", "schedule/")


@needs_chromium
def test_a_notebook_runs_from_its_form(noted: Lab) -> None:
    form, page = card("form/retrain"), noted.page
    page.until(f"{form}.matches('.wb-live')")
    page.run(f"{form}.querySelector('[name=month]').value = '7'")
    page.click(f"{form}.querySelector('[data-do=run]')")
    page.until(f"{form}.querySelector('.wb-detail .wb-card')")
    page.run(f"{form}.querySelector('.wb-detail .wb-card').scrollIntoView({{block: 'center'}})")  # who does not see it
    page.until(f"{form}.querySelector('.wb-detail .wb-card .wb-done')")  # is told nothing
    runs: Any = Workbench(noted.folder / "home").runs()
    assert runs[-1].job.spec["parameters"] == {"month": 7}
    noted.looked_at("notebook", "form/retrain")


@needs_chromium
def test_the_dashboard_finds_and_opens(noted: Lab) -> None:
    board, page = card("dashboard/"), noted.page
    page.until(f"{board}.matches('.wb-live')")
    page.click(f"{board}.querySelector('input[value=models]')")
    page.until(f"{board}.querySelector('td')?.textContent.includes('@')")
    page.click(f"{board}.querySelector('input[value=runs]')")
    page.until(f"{board}.querySelector('td')?.textContent.startsWith('run/')")
    page.click(f"{board}.querySelector('[data-do=show]')")
    page.until(f"{board}.querySelector('.wb-detail .wb-card .wb-name')?.textContent.startsWith('run/')")
    noted.looked_at("dashboard", "dashboard/")
    typed = f"{board}.querySelector('input[type=search]')"
    page.run(f"{typed}.value = 'nowhere'; {typed}.dispatchEvent(new Event('input', {{bubbles: true}}))")
    page.until(f"{board}.querySelector('.wb-table').textContent.startsWith('no runs like that')")


@needs_chromium
def test_long_work_is_cancelled_while_its_cell_runs(jupyter: Lab) -> None:
    jupyter.open("long.ipynb", [DATA, SLOW, LONG, HELD])
    page, notebook = jupyter.page, "window.jupyterapp.shell.currentWidget.content"
    jupyter.run_above(2)
    page.until(f"{card('slow@1')}?.querySelector('[data-do=serve]')")  # by then messages have a subshell of their own
    page.run(f"{notebook}.activeCellIndex = 2; void window.jupyterapp.commands.execute('notebook:run-cell')")
    page.until(f"{card('progress/')}.innerText.includes(' rows')")  # which takes the place of a bar without an end
    jupyter.picture("progress", "progress/")
    page.click(f"{card('progress/')}.querySelector('[data-do=cancel]')")
    page.until(
        "document.querySelector('.jp-OutputArea-output')?.closest('.jp-Notebook').innerText.includes('slow@1 was cancelled')"
    )
    page.until(f"!{card('progress/')}")
    assert not (jupyter.folder / "scored.parquet").exists()


@needs_chromium
def test_a_capture_shows_its_steps_and_is_cancelled(jupyter: Lab) -> None:
    """In the notebook of the test before."""
    page, notebook = jupyter.page, "window.jupyterapp.shell.currentWidget.content"
    jupyter.at_rest()
    page.run(f"{notebook}.activeCellIndex = 3; void window.jupyterapp.commands.execute('notebook:run-cell')")
    page.until(f"{card('progress/')}?.querySelector('[aria-current=step]')?.innerText.includes('asking this kernel')")
    jupyter.looked_at("capture", "progress/")
    page.click(f"{card('progress/')}.querySelector('[data-do=cancel]')")
    page.until(f"{notebook}.widgets[3].node.innerText.includes('held was cancelled')")
    page.until(f"!{card('progress/')}")
    assert "held" not in Workbench(jupyter.folder / "home").registry.names()
