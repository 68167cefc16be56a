"""A notebook as an app, in a real browser: who is let in, what is seen, what stays when it starts again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from browser_parts import Page, browser, needs_chromium
from page_models import NAMED, told
from proxy_parts import jupyter
from waiting import PATIENCE, until

from workbench import tickets
from workbench.api import Workbench
from workbench.errors import JobFailed, UsageError

APPS = Path(__file__).parents[2] / "notebooks" / "apps"
SLIDER = """
import ipywidgets as widgets, os
slider = widgets.IntSlider(value=3, description="n")
told = widgets.HTML("3 squared is 9")
slider.observe(lambda change: setattr(told, "value", f"{change['new']} squared is {change['new'] ** 2}"), "value")
widgets.VBox([slider, told, widgets.HTML("asked with " + os.environ.get("QUERY_STRING", ""))])
"""


def notebook(path: Path, *cells: str) -> Path:
    cells_ = [nbformat.v4.new_markdown_cell("# Squares"), *map(nbformat.v4.new_code_cell, cells)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells_, metadata=kernel), path)
    return path


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module")
def app(api: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return api.app(str(notebook(tmp_path_factory.mktemp("notebooks") / "squares.ipynb", SLIDER)))


def ask(app: Any, path: str = "/", **options: Any) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        return client.get(f"{app.url}{path}", **options)


def test_it_is_a_deployment_like_any(api: Workbench, app: Any) -> None:
    assert app.name == "app/squares"
    assert app.state == "ready"
    assert "app/squares" in str(api.deployments())
    assert "squares.ipynb" in str(app)


def test_who_has_no_link_is_told_how_to_come_in(app: Any) -> None:
    for path in ("/", "/voila/static/voila.js", "/api/kernels/x/channels", "/?ticket=link.9.9.9"):
        answer = ask(app, path)
        assert answer.status_code == 401, path
        assert "workbench open app/squares" in answer.text


def test_another_name_of_the_host_is_refused(app: Any) -> None:
    assert ask(app, headers={"Host": "evil.example"}).status_code == 421


def test_a_link_ends(api: Workbench, app: Any) -> None:
    token = (api.running.store.job_folder(app.name) / "token").read_text().strip()
    old = tickets.opening(0.0).signed(token)
    assert ask(app, f"/?ticket={old}").status_code == 401


@pytest.mark.slow
@needs_chromium
def test_a_browser_uses_it_by_a_link_and_asks_no_other_host(api: Workbench, app: Any, tmp_path: Path) -> None:
    link = api.open("squares").link
    with browser(tmp_path / "chromium") as page:
        page.go(f"{link}&month=7")
        page.until("document.body && document.body.innerText.includes('squared is 9')")
        assert "ticket" not in page.run("location.href")
        page.until("document.body.innerText.includes('asked with month=7')")
        moved(page)
        page.until("document.body.innerText.includes('4 squared is 16')")
        assert page.run("document.cookie") == ""
        hosts = {
            re.match(r"\w+:(?://([^/]*))?", url)[1] for url in page.requests if not url.startswith(("data:", "blob:"))
        }
        assert hosts <= {app.url.removeprefix("http://"), None}
        until(lambda: app.refresh().facts.get("using") == 1, "a visitor is counted")
        page.picture("app")


def moved(page: Page) -> None:
    """Move the slider by a key, as somebody without a mouse does."""
    handle = "document.querySelector('.noUi-handle, .ui-slider-handle')"
    page.until(f"({handle}.focus(), {handle} === document.activeElement)")
    page.key("ArrowRight")


def test_a_guest_has_a_link_of_their_own(api: Workbench, app: Any) -> None:
    again = api.app(app.job.spec["notebook"], guest="7d")
    assert "unchanged" in str(again) or again.state == "ready"
    assert again.link.startswith(app.url)
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        answer = client.get(again.link)
        assert answer.status_code == 302
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert client.get(f"{app.url}/voila/static/voila.js").status_code == 200


def test_it_keeps_its_address_when_it_starts_again(api: Workbench, app: Any) -> None:
    again = api.restart(app.name)
    assert again.url == app.url
    assert ask(again).status_code == 401


def test_what_a_cell_raises_stands_on_the_card_and_not_in_the_page(api: Workbench, tmp_path: Path) -> None:
    broken = api.app(str(notebook(tmp_path / "broken.ipynb", "secret = 'geheim'\n{}['month']")), no_token=True)
    answer = ask(broken)
    assert "geheim" not in answer.text
    until(lambda: "KeyError" in str(broken.refresh()), "the card tells")
    api.stop(broken.name)


def test_what_is_wrong_is_said_before_anything_starts(api: Workbench, app: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="span of time"):
        api.app(app.job.spec["notebook"], guest="soon")
    with pytest.raises(UsageError, match="lets everybody in"):
        api.app(str(notebook(tmp_path / "open.ipynb", "1")), no_token=True, guest="7d")
    with pytest.raises(UsageError, match="no page"):
        api.open(api.batch(str(notebook(tmp_path / "run.ipynb", "1"))).name)


def test_what_is_stopped_is_not_opened(api: Workbench, app: Any) -> None:
    api.stop(app.name)
    with pytest.raises(JobFailed, match="stopped"):
        api.open(app.name)
    assert json.dumps(api.start(app.name).to_json(), default=str)


@pytest.mark.slow
@needs_chromium
def test_a_model_is_tried_in_an_app_and_its_link_leads_to_the_same_answer(api: Workbench, tmp_path: Path) -> None:
    api.model("churn", told, example=NAMED)
    link = api.open(api.app(str(APPS / "whatif.ipynb")).name).link
    with browser(tmp_path / "chromium") as page:
        page.looks(1100)
        page.go(f"{link}&model=churn&age=33")
        page.until("document.querySelector('.wb-form input[type=number]')?.value === '33'")
        page.until("[...document.querySelectorAll('a')].some(a => a.textContent === 'link to this')")
        shared = page.run("[...document.querySelectorAll('a')].find(a => a.textContent === 'link to this').href")
        assert "age=33" in shared
        assert not page.barriers()
        page.looks(400)
        assert page.run("document.documentElement.scrollWidth <= 400")
        page.picture("whatif-narrow")
        page.looks(1100)
        page.until("document.querySelector('.wb-reasons')")
        page.picture("whatif")
        assert not page.barriers()
        a_month_is_reported(api, page)


def a_month_is_reported(api: Workbench, page: Page) -> None:
    """By the app of a month's batch, in light and dark."""
    app = api.app(str(APPS / "report.ipynb"))
    page.go(api.open(app.name).link)
    for theme in ("light", "dark"):
        page.go(f"{app.url}/?month=3&theme={theme}")
        page.until("document.querySelector('table') && document.body.innerText.includes('March 2013')")
        page.picture(f"report-{theme}")
        assert not page.barriers()
    api.stop(app.name)


@pytest.mark.slow
@needs_chromium
def test_the_console_steers_what_runs(api: Workbench, tmp_path: Path) -> None:
    """The same cards as in a notebook."""
    api.model("churn", told, example=NAMED)
    api.serve("churn")
    card = "document.querySelector('[data-card=\"service/churn\"]')"
    with browser(tmp_path / "chromium") as page:
        page.looks(1100)
        page.go(api.open(api.app(str(APPS / "console.ipynb")).name).link)
        page.until("document.querySelector('[data-card^=dashboard]')?.matches('.wb-live')")
        page.until("[...document.querySelectorAll('.wb-link')].some(e => e.innerText === 'service/churn')")
        page.click("[...document.querySelectorAll('.wb-link')].find(e => e.innerText === 'service/churn')")
        page.until(f"{card}?.querySelector('[data-do=stop]')")
        page.picture("console")
        assert not page.barriers()
        page.click(f"{card}.querySelector('[data-do=stop]')")
        page.until(f"{card}.querySelector('.wb-state').textContent === 'stopped'")
        assert api.status("service/churn").state == "stopped"


@needs_chromium
def test_it_works_behind_the_jupyter_server(
    api: Workbench, app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a hub: by the hub's address, for who is known there and has a link."""
    ticket = api.open(app.name).link.removeprefix(app.url)
    with jupyter(tmp_path / "jupyter") as (server, token), browser(tmp_path / "chromium") as page:
        monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/")
        monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", f"{server}/")
        assert "✓ on a hub, whose Jupyter server shows what runs here" in str(api.doctor())
        page.go(f"{server}/login?token={token}")
        page.requests.clear()
        outside = f"{server}/proxy/{app.facts['port']}"
        page.go(f"{outside}{ticket}")
        page.until("document.body && document.body.innerText.includes('squared is 9')")
        assert page.run("location.href") == f"{outside}/"
        moved(page)
        page.until("document.body.innerText.includes('4 squared is 16')")
        asked = {url for url in page.requests if url.startswith("http") and "favicon" not in url}
        assert all(url.startswith(outside) for url in asked), asked
        page.go(f"{server}/api/status")
        page.until("document.body.innerText.includes('connections')")  # who is known to the Jupyter server stays so
