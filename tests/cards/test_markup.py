"""Text becomes HTML that shows it as it is."""

from __future__ import annotations

from markup_parts import Read

from workbench.cards import card, charts, reading
from workbench.cards.markup import button, el, rows

CARD = (
    "service/churn ✓ ready · http://127.0.0.1:8000 · churn@3, follows live\n"
    "  why   it broke\n         at <line 3>\n"
    "  call  curl 'http://127.0.0.1:8000/predict'\n"
    "  next  %workbench status service/churn · %workbench stop service/churn"
)


def test_attributes_and_text_are_escaped() -> None:
    html = button('<b>"1"', "stop", sure="<i>", name='"><script>')
    read = Read(html)
    assert read.text == '<b>"1"'
    assert [tag for tag, _ in read.elements] == ["button"]
    assert read.elements[0][1]["data-sure"] == "<i>"
    assert el("p", hidden=True, title=None) == "<p hidden></p>"


def test_a_text_is_read_into_its_head_and_rows() -> None:
    said = reading.read(CARD)
    assert said.name == "service/churn"
    assert said.about == ("ready", "http://127.0.0.1:8000", "churn@3, follows live")
    assert said.row("why") == "it broke\nat <line 3>"
    assert [label for label, _ in said.rows] == ["why", "call", "next"]
    assert reading.read("schedule/a next run 2026-11-30 06:00 · every monday").about[0] == "next run 2026-11-30 06:00"
    assert reading.read("alone").name == "alone"


def test_rows_show_what_the_text_says() -> None:
    said = reading.read(CARD)
    read = Read(rows([(label, reading.row(label, text)) for label, text in said.rows]))
    assert "at <line 3>" in read.text
    assert read.all("button", data_copy="curl 'http://127.0.0.1:8000/predict'")
    assert "%workbench stop service/churn" in read.text


def test_a_line_has_its_newest_point_at_the_right_and_a_gap_where_nothing_is_known() -> None:
    area, line = (a["d"] or "" for a in Read(charts.line([1.0, 2.0, None, 4.0])).all("path"))
    assert line.endswith("L100.0,1.0")
    assert line.count("M") == area.count("M") == 2
    assert [a["d"] for a in Read(charts.line([])).all("path")] == ["", ""]
    assert "nan" not in charts.line([0.0, 0.0])


def test_a_trend_forgets_what_was_before_a_pause() -> None:
    trend = charts.Trend()
    for now in (1.0, 2.0, 3.0):
        trend.add(now, rate=now)
    assert trend.of("rate") == [1.0, 2.0, 3.0]
    trend.add(60.0, rate=7.0, p50=None)
    assert trend.of("rate") == [7.0]
    assert trend.of("p50") == [None]


def test_what_is_saved_has_no_buttons_and_says_as_of_when() -> None:
    parts = {"head": "<b>x</b>", "buttons": button("Stop", "stop"), "log": "secret"}
    read = Read(card.html("service/x", parts))
    assert read.buttons() == []
    assert "secret" not in read.text
    assert "as of 20" in read.text
    article = read.all("article")[0]
    assert article["data-card"] == "service/x"
    assert "data-hub" not in article
    assert "http" not in card.style()
    assert Read(card.html("service/x", parts, "ab12")).all("article", data_hub="ab12")
