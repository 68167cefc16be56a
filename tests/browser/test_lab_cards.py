"""Live cards in a real JupyterLab: they move under load, steer by their buttons, outlive reload and restart."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from browser_parts import needs_chromium
from lab_parts import Lab
from waiting import until

from workbench.api import Workbench

DATA = """%load_ext workbench
import numpy as np, pandas as pd
rng = np.random.default_rng(0)
X = pd.DataFrame({"age": rng.normal(40, 9, 300).round(1), "calls": rng.integers(0, 9, 300)})"""
MODEL = """%%model churn --example X
def predict(frame):
    return frame["age"] / 100 + frame["calls"]"""
NEWER = MODEL + " + 1000"
CARD = "document.querySelector('[data-card=\"service/churn\"]')"


@pytest.fixture(scope="module")
def served(jupyter: Lab) -> Lab:
    """A notebook that has served a model."""
    jupyter.open("churn.ipynb", [DATA, MODEL, "%serve churn"])
    jupyter.run_all()
    jupyter.page.until(f"{CARD}?.matches('.wb-live') && {CARD}.querySelector('.wb-ready')")
    return jupyter


def api(jupyter: Lab) -> Workbench:
    return Workbench(jupyter.folder / "home")


def ask(jupyter: Lab, times: int = 50) -> None:
    service: Any = api(jupyter).status("service/churn")
    with httpx.Client(headers={"Authorization": f"Bearer {service.token}"}, trust_env=False) as client:
        for number in range(times):
            client.post(f"{service.url}/predict", json={"age": 41.0, "calls": number}).raise_for_status()


def answered_by_newer(jupyter: Lab, times: int) -> int:
    """How many of so many requests the version answers that adds a thousand."""
    service: Any = api(jupyter).status("service/churn")
    with httpx.Client(headers={"Authorization": f"Bearer {service.token}"}, trust_env=False) as client:
        row, address = {"age": 41.0, "calls": 1}, f"{service.url}/predict"
        return sum("100" in client.post(address, json=row).text for _ in range(times))


def press(jupyter: Lab, do: str) -> None:
    jupyter.page.click(f"{CARD}.querySelector('[data-do={do}]')")


def state(jupyter: Lab, name: str) -> None:
    """Wait until the card says so."""
    jupyter.page.until(f"{CARD}.querySelector('.wb-state').textContent === '{name}'")


@needs_chromium
def test_the_chart_moves_under_load(served: Lab) -> None:
    rate = f"Number({CARD}.querySelector('.wb-value').textContent.replace(/\\D/g, ''))"
    assert served.page.run(rate) == 0
    until(lambda: ask(served) or served.page.run(rate) > 0)
    served.page.until(f"{CARD}.querySelector('.wb-line').getAttribute('d').length > 10")
    served.looked_at("service", "service/")
    assert not served.elsewhere


@needs_chromium
def test_buttons_steer(served: Lab) -> None:
    press(served, "stop")
    state(served, "stopped")
    assert api(served).status("service/churn").state == "stopped"
    served.page.run(f"{CARD}.querySelector('[data-do=start]').focus()")
    served.page.key("Enter")
    state(served, "ready")
    served.page.until(f"{CARD}.querySelector('[data-part=said]').textContent.includes('is ready')")


@needs_chromium
def test_traffic_follows_the_slider(served: Lab) -> None:
    press_cell = f"window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.setSource({NEWER!r})"
    served.page.run(press_cell)
    served.run_all()
    press(served, "share")
    served.page.until(f"{CARD}.querySelector('input[type=range]')?.value === '10'")
    slider = f"{CARD}.querySelector('input[type=range]')"
    moved = "".join(
        f"{slider}.dispatchEvent(new Event('{event}', {{bubbles: true}}));" for event in ("input", "change")
    )
    assert "60 %" in served.page.run(f"{slider}.value = 40; {moved} {CARD}.querySelector('.wb-split').textContent")
    until(lambda: "churn@2 answers 40 %" in str(api(served).status("service/churn")))
    assert 40 <= answered_by_newer(served, 200) <= 120
    served.looked_at("service-canary", "service/")
    press(served, "rollback")
    served.page.until(f"!{CARD}.querySelector('input[type=range]')")


@needs_chromium
def test_reload_and_restart_keep_the_card(served: Lab) -> None:
    served.save()
    served.open("churn.ipynb")
    served.page.until(f"{CARD}?.matches('.wb-live') && {CARD}.querySelector('[data-do=stop]')")
    served.restart()
    served.page.until(f"{CARD}.matches('.wb-quiet')")
    assert not served.page.run(f"{CARD}.querySelector('[data-part=buttons]').checkVisibility()")
    served.page.until(f"{CARD}.querySelector('.wb-as-of').textContent.includes('has ended')")
    served.save()
    served.open("churn.ipynb")
    served.page.until(f"{CARD} && !{CARD}.matches('.wb-live')")
    served.page.until(f"{CARD}.querySelector('.wb-as-of').textContent.includes('as of 20')")
    served.page.until(f"{CARD}.innerText.includes('service/churn')")
    served.run_all()
    served.page.until(f"{CARD}?.matches('.wb-live') && {CARD}.querySelector('[data-do=stop]')")
