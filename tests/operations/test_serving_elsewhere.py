"""A service that is asked from elsewhere: by pages of other sites, and behind a proxy under another path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from browser_parts import Page, browser, needs_chromium
from customer_models import array_model
from proxy_parts import jupyter, proxy
from serving_parts import headers
from waiting import until

from workbench.api import Workbench
from workbench.errors import UsageError

SHOP = "https://shop.example"
PREFLIGHT = {"origin": SHOP, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
ALLOWED = "access-control-allow-origin"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("sums", array_model, example=np.arange(30.0).reshape(10, 3))
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module")
def closed(api: Workbench) -> Any:
    return api.serve("sums")


@pytest.fixture(scope="module")
def opened(api: Workbench) -> Any:
    return api.serve("sums", name="opened", cors=f"{SHOP}, http://localhost:3000/")


def test_nothing_is_said_to_other_sites_unless_asked(closed: Any) -> None:
    before = httpx.options(f"{closed.url}/predict", headers=PREFLIGHT)
    assert before.status_code == 401
    answer = httpx.post(f"{closed.url}/predict", json=[[1, 2, 3]], headers=headers(closed) | {"origin": SHOP})
    assert answer.status_code == 200
    assert ALLOWED not in {*before.headers, *answer.headers}


def test_a_site_that_may_ask_is_told_so_before_and_after(opened: Any) -> None:
    before = httpx.options(f"{opened.url}/predict", headers=PREFLIGHT)
    assert (before.status_code, before.content, before.headers[ALLOWED]) == (204, b"", SHOP)
    assert "authorization" in before.headers["access-control-allow-headers"]
    assert "x-workbench-page" not in before.headers["access-control-allow-headers"]
    for sent, status in ((headers(opened), 200), ({}, 401)):
        answer = httpx.post(f"{opened.url}/predict", json=[[1, 2, 3]], headers=sent | {"origin": SHOP})
        assert (answer.status_code, answer.headers[ALLOWED], answer.headers["vary"]) == (status, SHOP, "Origin")
        assert "access-control-allow-credentials" not in answer.headers
        assert "x-request-id" in answer.headers["access-control-expose-headers"]
    look = httpx.get(f"{opened.url}/openapi.json", headers=headers(opened) | {"origin": "http://localhost:3000"})
    assert look.headers[ALLOWED] == "http://localhost:3000"
    evil = httpx.options(f"{opened.url}/predict", headers=PREFLIGHT | {"origin": "https://evil.example"})
    assert (evil.status_code, ALLOWED in evil.headers) == (401, False)


def test_every_site_may_ask_but_never_with_a_cookie(api: Workbench) -> None:
    service = api.serve("sums", name="all", cors="*")
    with httpx.Client(base_url=service.url) as browsing:
        browsing.get("/", params={"token": str(service.token)})
        page = {"origin": "https://any.example", "sec-fetch-site": "cross-site", "x-workbench-page": "1"}
        refused = browsing.post("/predict", json=[[1, 2, 3]], headers=page)
        assert (refused.status_code, refused.headers[ALLOWED]) == (403, "https://any.example")
        with_token = browsing.post("/predict", json=[[1, 2, 3]], headers=page | headers(service))
        assert with_token.status_code == 200


@pytest.mark.parametrize("said", ["shop.example", "https://*.example", "https://shop.example/path", "ftp://a", "null"])
def test_what_is_no_origin_is_refused(api: Workbench, said: str) -> None:
    with pytest.raises(UsageError, match="no origin"):
        api.serve("sums", cors=said, dry_run=True)


@needs_chromium
def test_pages_of_a_site_ask_from_a_browser(opened: Any, closed: Any, tmp_path: Path, api: Workbench) -> None:
    """The page of one service is a page of another site for the other."""
    other = api.serve("sums", name="site", no_token=True)
    mine = api.serve("sums", name="opened", cors=other.url)
    asks = "fetch('{}/predict', {{method: 'POST', body: '[[0, 0, 0]]', headers: {{authorization: 'Bearer {}'}}}}).then(r => r.text(), e => 'refused')"
    with browser(tmp_path) as page:
        page.go(other.url)
        page.do("Page.setBypassCSP", enabled=True)
        page.go(other.url)
        assert page.run(asks.format(mine.url, str(mine.token))) == '[{"prediction":1.0}]'
        assert page.run(asks.format(closed.url, str(closed.token))) == "refused"


@needs_chromium
def test_the_page_works_behind_a_proxy(closed: Any, tmp_path: Path) -> None:
    with proxy(closed.url, "/user/me/proxy/8000") as outside, browser(tmp_path) as page:
        works(page, outside, closed)
        (cookie,) = page.do("Network.getCookies", urls=[f"{outside}/"])["cookies"]
        assert (cookie["path"], cookie["httpOnly"], cookie["sameSite"]) == ("/user/me/proxy/8000/", True, "Strict")


def test_a_link_leads_in_by_the_name_of_a_hub(api: Workbench, closed: Any) -> None:
    hub = {"host": "hub.example"}
    assert httpx.get(closed.url, headers=hub).status_code == 421
    link = api.open(closed.name).link
    with httpx.Client() as browsing:
        answer = browsing.get(link, headers=hub)
        assert answer.status_code == 200
        assert "HttpOnly" in answer.headers["set-cookie"]
    assert httpx.get(link.replace("ticket=link", "ticket=stay"), headers=hub).status_code == 421


@needs_chromium
def test_the_page_works_in_jupyter(closed: Any, tmp_path: Path) -> None:
    """Behind jupyter-server-proxy itself, for who is known to the Jupyter server."""
    with jupyter(tmp_path / "jupyter") as (server, token), browser(tmp_path / "chromium") as page:
        page.go(f"{server}/login?token={token}")
        page.requests.clear()
        page.complaints.clear()
        outside = f"{server}/proxy/{closed.facts['port']}"
        works(page, outside, closed)
        assert f"http://127.0.0.1:{closed.facts['port']}" in page.text(".call")
        cookies = {
            cookie["name"]: cookie["path"] for cookie in page.do("Network.getCookies", urls=[f"{outside}/"])["cookies"]
        }
        assert next(
            path for name, path in cookies.items() if name.startswith("workbench-")
        ) == "/user/me/proxy/{}/".format(closed.facts["port"])


def works(page: Page, outside: str, service: Any) -> None:
    """The page asks, draws its figures and shows where it stands, all below the address of the proxy."""
    page.go(f"{outside}/?token={service.token}")
    page.fill("x", "[0, 0, 0]")
    page.press("Predict")
    page.until("document.querySelector('#answer dd')?.textContent === '1.0'")
    page.until("seen.length && document.querySelector('#since').textContent.startsWith('Since')")
    assert f"curl {outside}/predict" in page.text(".snippet")
    assert not page.complaints
    asked = {url.partition("?")[0] for url in page.requests if not url.startswith("data:")}
    asked -= {url for url in asked if url.endswith("/static/favicon.ico")}  # Jupyter's sign-in page's, asked for late
    assert asked == {f"{outside}/{part}" for part in ("", "page.css", "page.js", "figures", "predict")}


def test_what_is_answered_later_is_found_behind_a_proxy(closed: Any) -> None:
    sent = headers(closed) | {"prefer": "respond-async"}
    with proxy(closed.url, "/user/me/proxy/8000") as outside, httpx.Client() as asking:
        kept = asking.post(f"{outside}/predict", json=[[0, 0, 0]], headers=sent)
        assert kept.headers["location"].startswith("/user/me/proxy/8000/results/")
        place = kept.request.url.join(kept.headers["location"])
        until(lambda: asking.get(place, headers=headers(closed)).text == '[{"prediction":1.0}]')


@pytest.mark.parametrize("prefix", ["//evil.example", "/a;b", "javascript:x", "/a b", "/%0d%0a"])
def test_what_a_proxy_says_cannot_lead_elsewhere(closed: Any, prefix: str) -> None:
    sent = headers(closed) | {
        "x-forwarded-prefix": prefix,
        "x-forwarded-host": "evil example",
        "x-forwarded-proto": "x",
    }
    page = httpx.get(closed.url, headers=sent).text
    assert f"curl http://localhost{prefix if prefix == '/%0d%0a' else ''}/predict" in page
