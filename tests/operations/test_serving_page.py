"""The page of a service, in a real browser: a form that asks, refusals by their field, figures that move."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from browser_parts import Page, browser, needs_chromium
from customer_models import array_model
from page_models import HOSTILE, NAMED, Times, told
from serving_parts import client, headers

from workbench.api import Workbench
from workbench.spawn.client import can_fork


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("churn", told, example=NAMED, note=f"for {HOSTILE}")
    workbench.model("sums", array_model, example=np.arange(30.0).reshape(10, 3))
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module")
def service(api: Workbench) -> Any:
    return api.serve("churn")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def page(service: Any, chromium: Page) -> Page:
    """The page as one comes to it by a link."""
    chromium.requests.clear()
    chromium.complaints.clear()
    chromium.go(f"{service.url}/?token={service.token}")
    return chromium


def answered(page: Page) -> dict[str, str]:
    """What is shown of an answer."""
    page.press("Predict")
    page.until("!document.querySelector('form[aria-busy]')")
    names = page.run("[...document.querySelectorAll('#answer dt')].map(e => e.textContent)")
    return dict(
        zip(names, page.run("[...document.querySelectorAll('#answer dd')].map(e => e.textContent)"), strict=True)
    )


@needs_chromium
@pytest.mark.parametrize(("width", "scheme"), [(1100, "light"), (1100, "dark"), (400, "light")])
def test_it_keeps_nobody_out(page: Page, width: int, scheme: str) -> None:
    page.looks(width, scheme)
    page.picture(f"service-page-{scheme}-{width}")
    assert not page.barriers()
    assert page.run("document.documentElement.scrollWidth <= innerWidth")


@needs_chromium
def test_the_form_asks_for_what_it_holds(page: Page, service: Any) -> None:
    for name, value in {
        "age": "40",
        "amount": "",
        "city": "Bonn",
        "plan": '"plus"',
        "day": "2024-02-29T00:00",
        "vip": "no",
    }.items():
        page.fill(name, value)
    page.fill(HOSTILE, str(2**60 + 6))
    assert answered(page) == {
        "said": "Bonn plus 2024-02-29",
        "vip": "false",
        "big": str(2**60 + 7),
        "amount": "missing",
    }
    page.click("document.querySelector('[data-missing]')")
    page.fill("plan", "null")
    assert answered(page)["said"] == "nowhere none 2024-02-29"
    assert "version 1" in page.text("#answer")
    page.press("Example")
    page.until("!document.querySelector('[data-missing]').checked")
    assert answered(page)["said"].split()[0] in ("Köln", "Ulm", '<script>alert("1")</script>')
    assert not page.complaints
    assert {url.partition("?")[0].removeprefix(service.url) for url in page.requests if not url.startswith("data:")} == {
        "/", "/page.css", "/page.js", "/figures", "/predict"
    }  # fmt: skip


@needs_chromium
def test_a_refusal_stands_by_its_field_and_a_failure_below(page: Page) -> None:
    page.fill("age", "70000")
    assert answered(page) == {}
    assert "70000" in page.text('[data-name="age"] .refused')
    assert page.run("document.activeElement.id") == "field-1"
    assert page.text('[data-name="city"] .refused') == ""
    page.fill("age", "13")
    assert answered(page) == {}
    assert "thirteen is too many" in page.text("#answer")
    assert page.text('[data-name="age"] .refused') == ""
    page.fill("age", "14")
    assert answered(page)


@needs_chromium
def test_figures_move(page: Page, service: Any) -> None:
    shown = "Number(document.querySelector('[data-figure=requests] .value').textContent.replace(/\\D/g, ''))"
    page.until("seen.length")
    before = page.run(shown)
    with client(service) as asking:
        for _ in range(20):
            asking.post("/predict", json=[])
    page.until(f"{shown} === {before + 20}")
    page.until("document.querySelector('[data-figure=errors] .line').getAttribute('d').length > 5")
    assert page.run("document.querySelector('[data-figure=errors]').classList.contains('wrong')")


@needs_chromium
def test_versions_that_share_the_traffic_are_compared(api: Workbench, chromium: Page) -> None:
    for times in (1.0, 2.0):
        api.model("twice", Times(times), example=np.arange(30.0).reshape(10, 3))
    api.alias("twice@1", "live")
    service = api.serve("twice", no_token=True)
    chromium.go(service.url)
    assert not chromium.run("document.getElementById('versions').checkVisibility()")
    api.promote("twice@2", canary="50")
    with httpx.Client(base_url=service.url) as asking:
        asked = [asking.post("/predict", json=[[1, 2, 3]]) for _ in range(60)]
    answered = Counter(answer.headers["x-workbench-version"] for answer in asked)
    rows = "[...document.querySelectorAll('#versions tbody tr')].map(r => r.cells[0].textContent + ' ' + r.cells[1].textContent)"
    chromium.until(f"String({rows}) === '1 {answered['1']},2 {answered['2']}'")
    assert not chromium.complaints
    service.stop()


@needs_chromium
def test_what_is_copied_can_be_pasted(page: Page, service: Any) -> None:
    page.do("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    told = "new MutationObserver(all => { window.copied ||= all.some(one => one.target.textContent === 'Copied'); })"
    page.run(f"{told}.observe(document.body, {{childList: true, subtree: true}})")  # it says so for a moment only
    page.press("Copy")
    page.until("window.copied")
    assert page.run("navigator.clipboard.readText()").startswith(f"curl {service.url}/predict ")
    page.click("document.getElementById('tab-4')")
    assert "await fetch" in page.text(".snippet:nth-of-type(4)")
    assert not page.run("document.querySelector('.snippet').checkVisibility()")


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_telephone_and_both_schemes(page: Page, scheme: str, tmp_path: Path) -> None:
    page.looks(400, scheme)
    assert page.run("document.documentElement.scrollWidth") <= 400
    ground = page.run("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 300) == (scheme == "dark")
    page.looks(1200)
    assert not page.complaints


@needs_chromium
def test_it_says_what_it_takes_also_without_its_script(page: Page, service: Any) -> None:
    page.do("Emulation.setScriptExecutionDisabled", value=True)
    page.go(service.url)
    page.until('document.body.innerText.includes("takes this page\'s script")')
    page.do("Emulation.setScriptExecutionDisabled", value=False)


@needs_chromium
def test_an_array_model_is_asked_with_a_row(api: Workbench, chromium: Page) -> None:
    service = api.serve("sums", no_token=True)
    chromium.go(service.url)
    chromium.fill("x", "[1, 2")
    assert answered(chromium) == {}
    assert "not JSON" in chromium.text('[data-name="x"] .refused')
    chromium.fill("x", "[0, 0, 0]")
    assert answered(chromium) == {"prediction": "1.0"}
    assert service.stop().state == "stopped"


def test_names_and_values_cannot_become_markup(service: Any) -> None:
    with client(service) as asking:
        page = asking.get("/")
    assert HOSTILE not in page.text
    assert page.text.count("<script") == 1
    assert str(service.token) not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_tells_ranges_categories_and_of_its_proof(service: Any) -> None:
    with client(service) as asking:
        text = asking.get("/").text
    for said in (
        "18 – 217",
        "0.5 – 99.5",
        "2024-01-01 – 2024-07-18",
        "one of",
        "or missing",
        "a clean process answers",
        "pandas",
    ):
        assert said in text, said


def test_the_cookie_asks_only_for_the_page_itself(service: Any) -> None:
    record = {"age": 40, "amount": 1.0, "city": "Ulm", "plan": "plus", "day": "2024-01-01", "vip": True, HOSTILE: 1}
    own = {"x-workbench-page": "1", "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=service.url, params={}) as came:
        came.get("/", params={"token": str(service.token)})
        asked = [
            came.post("/predict", json=record, headers=sent).status_code
            for sent in (own, {}, own | {"sec-fetch-site": "cross-site"}, own | {"sec-fetch-site": "same-site"})
        ]
    assert asked == [200, 401, 403, 403]
    assert httpx.post(f"{service.url}/predict", json=record, headers=own).status_code == 401


def test_a_page_of_another_site_cannot_ask_a_service_without_a_token(api: Workbench) -> None:
    service = api.serve("sums", no_token=True)
    ask = {"content": "[[1, 2, 3]]", "headers": {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}}
    refused = httpx.post(f"{service.url}/predict", **ask)
    assert (refused.status_code, "evil.example" in refused.json()["error"]) == (403, True)


def test_figures_are_for_those_who_may_look(service: Any) -> None:
    assert httpx.get(f"{service.url}/figures").status_code == 401
    seen = httpx.get(f"{service.url}/figures", headers=headers(service)).json()
    assert sum(count for _, count in seen["times"]) == seen["requests"] - seen["errors"] > 0


def test_what_the_first_look_needs_is_there_before_it(service: Any) -> None:
    """So that no prediction waits for an import; the workers share it with the process that they came from."""
    if not can_fork():
        pytest.skip("nothing is forked on this platform")
    (worker,) = service.refresh().facts["workers"]
    loaded = [place.path for place in psutil.Process(worker).memory_maps()]
    assert any("pydantic_core" in place for place in loaded), "FastAPI's own"


def test_the_wheel_carries_the_page(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "uv", "build", "--wheel", "--out-dir", str(tmp_path), str(root)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    carried = {Path(name).name for name in zipfile.ZipFile(wheel).namelist() if "/looking/page/" in name}
    assert carried == {"page.html", "page.css", "page.js"}
