from __future__ import annotations

import importlib
from html.parser import HTMLParser
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from workbench.bundle.diff import Diff
from workbench.bundle.diff_predictions import Column, Predictions
from workbench.diagnosis import Finding, Findings
from workbench.faces import cards

CARD = (
    "churn@1 ✓ a clean process answers what this cell answered (1 000 rows, bit for bit, 0.7 s) · row-wise\n"
    "  took  predict, prepare (In[4]), clf RandomForestClassifier 2.1 MB · scikit-learn 1.9.1\n"
    "  next  %predict churn FILE -o OUTPUT"
)


class Text(HTMLParser):
    """What a browser would show, and whether every tag that opens is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.open = "", list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_card_shows_what_the_text_says() -> None:
    shown = Text(cards.html(CARD))
    assert shown.open == []
    assert shown.text == "".join(
        line.strip().replace("took  ", "took").replace("next  ", "next") for line in CARD.split("\n")
    )


def test_text_is_escaped() -> None:
    html = cards.html("<b>@1 ✓ <script>\n  took  <img src=x>\n  next  a & b")
    assert "<script>" not in html
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html


def test_colours_fit_light_and_dark() -> None:
    html = cards.html(CARD)
    assert "color:inherit" in html
    assert "background:transparent" in html
    assert "white;" not in html
    assert "black" not in html


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in cards.ANSWERS.items() for n in names])
def test_the_types_with_a_display_exist(module: str, name: str) -> None:
    assert isinstance(getattr(importlib.import_module(f"workbench.{module}"), name), type)


def test_a_notebook_shows_both(shell: InteractiveShell) -> None:
    found = Findings([Finding("no Jupyter server here", "pip install jupyterlab")])
    data, _ = shell.display_formatter.format(found)
    assert data["text/plain"] == str(found)
    assert Text(data["text/html"]).text == str(found)


def test_a_comparison_shows_each_part_and_escapes_it(shell: InteractiveShell) -> None:
    label = Column("label", 10, 3, before={"<a>": 4.0}, after={"<a>": 1.0}, moves={"<a> → b": 3})
    score = Column("score", 10, 2, 0.5, 1.5, 7, {"mean": 1.25}, {"mean": 2.5})
    source = "--- a\n+++ b\n-x = '<i>'\n+x = 2"
    found = Diff("m@1", "m@2", source, (), (), ("numpy 1 → 2",), (), Predictions("", (), (label, score)))
    data, _ = shell.display_formatter.format(found)
    assert data["text/plain"] == str(found)
    shown = Text(data["text/html"])
    assert shown.open == []
    for part in (
        "m@1 → m@2",
        "source +1 −1",
        "-x = '<i>'",
        "modules the same",
        "numpy 1 → 2",
        "<a> → b 3",
        "1.25 → 2.5",
    ):
        assert part in shown.text
    assert "<i>" not in data["text/html"]
