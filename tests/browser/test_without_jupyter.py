"""Cards in a page that is none of Jupyter's, as VS Code's is: all that they need is a widget's model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_parts import Page, browser, needs_chromium

from workbench.cards import card
from workbench.cards.markup import button
from workbench.cards.reading import part
from workbench.cards.traffic import sliders
from workbench.routing.table import Table

ADDRESS = "http://127.0.0.1:8123"
HOST = """
window.sent = []; window.hears = []; window.opened = [];
window.open = (url) => { window.opened.push(url); throw new Error("so does VS Code, which opens it"); };
const model = {
  get: (name) => ({hub: "h1", kernel: "k1"})[name],
  send: (order) => window.sent.push(order),
  on: (event, then) => { if (event === "msg:custom") window.hears.push(then); },
};
window.tell = (said) => window.hears.forEach((then) => then(said));
const url = URL.createObjectURL(new Blob([SCRIPT], {type: "text/javascript"}));
import(url).then((made) => made.default.initialize({model}));
"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    head = '<div class="wb-title"><b class="wb-name">service/churn</b></div>' + part(ADDRESS)
    shared = sliders(Table("churn@1", (("churn@2", 20.0), ("churn@3", 10.0))))
    shown = card.html("service/churn", {"head": head, "route": shared}, "h1")
    file = tmp_path / "page.html"
    file.write_text(f'<!doctype html><html lang="en"><title>x</title><body class="vscode-dark"><main>{shown}</main>')
    with browser(tmp_path / "chromium") as found:
        found.looks(700)
        found.go(file.as_uri())
        yield found


@needs_chromium
def test_a_card_lives_by_its_model_alone(page: Page) -> None:
    assert page.run("getComputedStyle(document.querySelector('.wb-card')).colorScheme") == "dark"
    page.run(f"void (() => {{{HOST.replace('SCRIPT', json.dumps(card.script()))}}})()")
    page.until("document.querySelector('.wb-card.wb-live')")
    page.until("sent.some(order => order.do === 'watch' && order.names[0] === 'service/churn')")
    page.run(f"tell({{card: 'service/churn', parts: {{buttons: {json.dumps(button('Open', 'open'))}}}}})")
    page.click("document.querySelector('[data-do=open]')")
    page.until("sent.some(order => order.press === 'open')")
    page.until("document.querySelector('[data-do=open][aria-busy]')")
    page.run(f"tell({{card: 'service/churn', parts: {{}}, open: '{ADDRESS}/?ticket=t', client: sent[0].client}})")
    assert page.run("opened[0]") == f"{ADDRESS}/?ticket=t"
    assert not page.run("document.querySelector('[aria-busy]')")
    assert page.text(".wb-address").startswith(ADDRESS)
    the_shares_make_a_hundred(page)
    assert not page.complaints
    for scheme in ("dark", "light"):
        page.run(f"document.body.className = 'vscode-{scheme}'")
        assert not page.barriers()
    page.picture("shares", None)


def the_shares_make_a_hundred(page: Page) -> None:
    """By keys, and by pulling one to its end and back."""
    places = "[...document.querySelectorAll('.wb-share input')]"
    second = "document.querySelector('[name=\"churn@2\"]')"
    page.run(f"{second}.focus()")
    page.key("ArrowRight")
    assert page.run(f"{places}.map(one => one.value)") == ["69", "21", "10"]
    assert page.text(".wb-share b") == "69 %"
    page.until("sent.some(order => order.press === 'shares' && order.args.shares['churn@2'] === 21)")
    for value, shares in ((100, ["0", "100", "0"]), (60, ["35", "60", "5"])):
        page.run(f"{second}.value = {value}; {second}.dispatchEvent(new Event('input', {{bubbles: true}}))")
        assert page.run(f"{places}.map(one => one.value)") == shares
